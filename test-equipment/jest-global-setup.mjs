// Plain JavaScript, so that Node itself loads the TypeScript behind it and not jest's transform.
export { default } from "./src/jest-global-setup.ts";
