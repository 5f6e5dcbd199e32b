/** The OpenAI stand-in of the test equipment in a process of its own, so that its work is not the client's. */
import { startOpenAI } from "@engram/test-equipment";

const { url } = await startOpenAI();
process.send?.({ url });
// The stand-in alone keeps no process alive; the channel to the parent does.
process.on("message", () => undefined);
