import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyDirectory } from "../../../gateway/src/audit/verify.ts";
import { gcsStore } from "../../../gateway/src/store/gcs-store.ts";
import { fakeEngine } from "../../../gateway/src/testing/fake-engine.ts";
import { gatewayUnderTest } from "../../../gateway/src/testing/gateway-under-test.ts";
import { describeObjectStore } from "../../../gateway/src/testing/store-behaviour.ts";
import { ensureTool, FAKE_GCS } from "../../../tools/go-tool.ts";

/** Runs against fake-gcs-server; it does not know retention locks, which Google enforces (see components/audit). */
const PORT = 15_443;
const ENDPOINT = `http://127.0.0.1:${PORT}`;
const BUCKET = "audit";

let server: ChildProcess;

beforeAll(async () => {
  const folder = await ensureTool(FAKE_GCS, (text) => {
    process.stderr.write(`${text}\n`);
  });
  const args = [
    "-scheme",
    "http",
    "-host",
    "127.0.0.1",
    "-port",
    String(PORT),
    "-backend",
    "memory",
    "-external-url",
    ENDPOINT,
  ];
  server = spawn(join(folder, "bin", "fake-gcs-server"), args, { stdio: "ignore" });
  for (let attempt = 0; ; attempt += 1) {
    const created = await fetch(`${ENDPOINT}/storage/v1/b?project=local`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: BUCKET }),
    }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (created) break;
    if (attempt > 100) throw new Error("fake-gcs-server does not listen");
    await setTimeout(100);
  }
  process.env["GCS_ENDPOINT_URL"] = ENDPOINT;
});

afterAll(() => {
  server.kill("SIGKILL");
});

describeObjectStore("Cloud Storage", () =>
  gcsStore({ bucket: BUCKET, prefix: "objects/", endpoint: ENDPOINT }),
);

describe("an audit log in Cloud Storage", () => {
  it("is shipped by the gateway and verified from the bucket", async () => {
    const under = await gatewayUnderTest(
      [await fakeEngine()],
      (config) => ({
        ...config,
        audit: {
          ...config.audit,
          segmentBytes: 4_000,
          store: { kind: "gcs", bucket: BUCKET, prefix: "prod/", endpoint: ENDPOINT },
        },
      }),
      { maintenanceMs: 50 },
    );
    const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
    for (let call = 0; call < 10; call += 1) {
      expect((await under.post("/v1/chat/completions", hello)).status).toBe(200);
    }
    await under.gateway.close();
    const shipped = await gcsStore({ bucket: BUCKET, prefix: "prod/", endpoint: ENDPOINT });
    expect((await shipped.list("")).length).toBeGreaterThan(2);
    const { verdict, chains } = await verifyDirectory(`gs://${BUCKET}/prod`, {
      publicKeys: [under.gateway.publicKeyPem],
      also: [join(under.directory, "audit")],
    });
    expect([verdict, chains[0]?.intents]).toEqual(["intact", 10]);
  });
});
