import { expect } from "@jest/globals";
import type { Answer, ErrorBody } from "./client.ts";

/** Expects the body of an error, with nothing of the inside of the service in it. */
export function expectError(answer: Answer<ErrorBody>, status: number): void {
  expect({ status: answer.status, text: answer.text.slice(0, 500) }).toMatchObject({ status });
  expect(answer.body).toMatchObject({
    error: expect.any(String),
    message: expect.any(String),
    request_id: expect.any(String),
  });
  expect(answer.text).not.toMatch(/\bat .*\(.*:\d+:\d+\)|node_modules|\/dist\/|\/src\//);
}

/** Whether an error says which field it is about, in its text or its details. */
export function names(error: ErrorBody, field: string): boolean {
  return JSON.stringify([error.message, error.details]).includes(field);
}
