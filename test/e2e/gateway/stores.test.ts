import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyDirectory } from "../../../gateway/src/audit/verify.ts";
import { auditCommand } from "../../../gateway/src/cli/audit-command.ts";
import { s3Store } from "../../../gateway/src/store/s3-store.ts";
import { fakeEngine } from "../../../gateway/src/testing/fake-engine.ts";
import { gatewayUnderTest } from "../../../gateway/src/testing/gateway-under-test.ts";
import { describeObjectStore } from "../../../gateway/src/testing/store-behaviour.ts";
import { ensurePythonTool, MOTO } from "../../../tools/python-tool.ts";

const PORT = 15_555;
const ENDPOINT = `http://127.0.0.1:${PORT}`;
const REGION = "eu-south-2" as const;
const LOCKED = "audit-locked";
const PLAIN = "plain";

let moto: ChildProcess;
let client: S3Client;

const at = (bucket: string, prefix = ""): Parameters<typeof s3Store>[0] => ({
  bucket,
  region: REGION,
  prefix,
  endpoint: ENDPOINT,
});

beforeAll(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_S3: ENDPOINT,
  });
  moto = spawn(join(await ensurePythonTool(MOTO), "moto_server"), ["-H", "127.0.0.1", "-p", String(PORT)], {
    stdio: "ignore",
  });
  client = new S3Client({ region: REGION, endpoint: ENDPOINT, forcePathStyle: true });
  for (let attempt = 0; ; attempt += 1) {
    const up = await fetch(ENDPOINT).then(
      () => true,
      () => false,
    );
    if (up) break;
    if (attempt > 100) throw new Error("moto does not listen");
    await setTimeout(200);
  }
  const CreateBucketConfiguration = { LocationConstraint: REGION } as const;
  await client.send(new CreateBucketCommand({ Bucket: PLAIN, CreateBucketConfiguration }));
  await client.send(
    new CreateBucketCommand({ Bucket: LOCKED, CreateBucketConfiguration, ObjectLockEnabledForBucket: true }),
  );
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: LOCKED,
      ObjectLockConfiguration: {
        ObjectLockEnabled: "Enabled",
        Rule: { DefaultRetention: { Mode: "COMPLIANCE", Days: 184 } },
      },
    }),
  );
});

afterAll(() => {
  moto.kill("SIGKILL");
});

describeObjectStore("S3", () => s3Store(at(PLAIN, "objects/")));

describe("an audit log in a bucket with Object Lock", () => {
  it("is shipped by the gateway, verified from the bucket, and cannot be deleted", async () => {
    const under = await gatewayUnderTest(
      [await fakeEngine()],
      (config) => ({
        ...config,
        audit: {
          ...config.audit,
          segmentBytes: 4_000,
          store: { kind: "s3", bucket: LOCKED, region: REGION, prefix: "prod/", endpoint: ENDPOINT },
        },
      }),
      { maintenanceMs: 50 },
    );
    const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
    for (let call = 0; call < 20; call += 1) {
      expect((await under.post("/v1/chat/completions", hello)).status).toBe(200);
    }
    await under.gateway.close();
    const publicKeys = [under.gateway.publicKeyPem];
    const also = [join(under.directory, "audit")];
    const whole = await verifyDirectory(`s3://${LOCKED}/prod`, { publicKeys, also });
    expect([whole.verdict, whole.chains[0]?.intents]).toEqual(["intact", 20]);

    const objects = await s3Store(at(LOCKED, "prod/"));
    const names = await objects.list("");
    expect(names.length).toBeGreaterThan(3);
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket: LOCKED }));
    for (const { Key, VersionId } of Versions ?? []) {
      const deletion = client.send(new DeleteObjectCommand({ Bucket: LOCKED, Key, VersionId }));
      await expect(deletion).rejects.toMatchObject({ name: "AccessDenied" });
    }
    expect((Versions ?? []).length).toBe(names.length);

    let out = "";
    const code = await auditCommand(
      ["search", `s3://${LOCKED}/prod`, "--kind", "intent", "--limit", "3", "--json"],
      (text) => (out += text),
      () => undefined,
    );
    expect([code, out.trim().split("\n").length]).toEqual([0, 3]);
  });

  it("keeps segments on the volume while the bucket refuses them, and ships each once afterwards", async () => {
    const under = await gatewayUnderTest(
      [await fakeEngine()],
      (config) => ({
        ...config,
        audit: {
          ...config.audit,
          segmentBytes: 2_000,
          store: { kind: "s3", bucket: "not-there-yet", region: REGION, prefix: "", endpoint: ENDPOINT },
        },
      }),
      { maintenanceMs: 50 },
    );
    const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
    for (let call = 0; call < 8; call += 1) await under.post("/v1/chat/completions", hello);
    const unshipped = async (): Promise<number> => {
      const page = await (await fetch(`${under.gateway.url}/metrics`)).text();
      return Number(/^llmops_gateway_audit_unshipped_segments (\d+)$/m.exec(page)?.[1]);
    };
    await expect.poll(unshipped).toBeGreaterThan(2);
    await expect.poll(() => under.gateway.auditShipError ?? "").toContain("bucket");
    await client.send(
      new CreateBucketCommand({
        Bucket: "not-there-yet",
        CreateBucketConfiguration: { LocationConstraint: REGION },
      }),
    );
    await expect.poll(unshipped, { timeout: 20_000 }).toBe(0);
    await under.gateway.close();
    const verdict = await verifyDirectory("s3://not-there-yet", {
      publicKeys: [under.gateway.publicKeyPem],
      also: [join(under.directory, "audit")],
    });
    expect(verdict.verdict).toBe("intact");
  });
});
