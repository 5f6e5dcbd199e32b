import { startAllInOne } from "./start-all-in-one.ts";

await startAllInOne();
