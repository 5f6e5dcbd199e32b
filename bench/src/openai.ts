/**
 * The OpenAI stand-in of the test equipment in a process of its own, so that its work is not the client's. An argument is
 * the port that it is to have again.
 */
import { startOpenAI } from "@engram/test-equipment";

const [port] = process.argv.slice(2);
const { url } = await startOpenAI(port === undefined ? {} : { port: Number(port) });
process.send?.({ url });
// The stand-in alone keeps no process alive; the channel to the parent does.
process.on("message", () => undefined);
