import { createLocalBell } from "@engram/memory";
import { bellContract } from "@engram/memory/contracts/bell";

bellContract("local", () => Promise.resolve(createLocalBell()));
