import { slowStreams } from "/work/main/bench/gateway/load.ts";
const r = await slowStreams(
  { url: "http://127.0.0.1:9902", headers: { authorization: "Bearer app-key-0123456789abcdef" } },
  Number(process.argv[2]),
  async () => {},
);
console.log(r);
