#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { onlineConfig } from "../cluster/config.ts";
import { onlineFrom } from "../cluster/online.ts";

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: online <configuration file>\n");
  process.exit(2);
}
const config = onlineConfig(JSON.parse(readFileSync(file, "utf8")));
const { server, close } = onlineFrom(config, (message) => process.stderr.write(`${message}\n`));
server.listen(config.port, "0.0.0.0");
process.once("SIGTERM", () => {
  close();
  server.close();
});
