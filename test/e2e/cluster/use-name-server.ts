import { setServers } from "node:dns";

const { NAME_SERVER } = process.env;
if (NAME_SERVER === undefined) throw new Error("NAME_SERVER is not set");
setServers([NAME_SERVER]);
