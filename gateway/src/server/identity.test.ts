import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { GatewayConfigInput } from "../config/schema.ts";
import { temporaryDirectory } from "../testing/audit-directory.ts";
import { fakeEngine } from "../testing/fake-engine.ts";
import { APP_KEY, gatewayUnderTest } from "../testing/gateway-under-test.ts";

const CHAT = "/v1/chat/completions";
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
const ISSUER = "https://login.example.eu";
const AUDIENCE = "llm-gateway";

describe("tokens", () => {
  let pair: Awaited<ReturnType<typeof generateKeyPair>>;
  let stranger: Awaited<ReturnType<typeof generateKeyPair>>;

  beforeAll(async () => {
    pair = await generateKeyPair("ES256", { extractable: true });
    stranger = await generateKeyPair("ES256", { extractable: true });
  });

  const token = (
    change: { issuer?: string; audience?: string; subject?: string; expires?: string } = {},
  ): SignJWT =>
    new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .setIssuer(change.issuer ?? ISSUER)
      .setAudience(change.audience ?? AUDIENCE)
      .setSubject(change.subject ?? "app@acme")
      .setIssuedAt()
      .setExpirationTime(change.expires ?? "5m");

  async function statusWith(bearer: string): Promise<number> {
    const engine = await fakeEngine();
    const folder = await temporaryDirectory();
    const path = join(folder, "keys.json");
    await writeFile(
      path,
      JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "one", alg: "ES256" }] }),
    );
    const under = await gatewayUnderTest([engine], (config) => ({
      ...config,
      tokens: { issuer: ISSUER, audience: AUDIENCE, keys: { from: "file", path } },
      clients: config.clients.map((client) =>
        client.id === "app" ? { ...client, subjects: ["app@acme"] } : client,
      ),
    }));
    const { status } = await under.post(CHAT, hello, { headers: { authorization: `Bearer ${bearer}` } });
    expect(engine.seen).toHaveLength(status === 200 ? 1 : 0);
    return status;
  }

  it("lets the client with the subject in", async () => {
    expect(await statusWith(await token().sign(pair.privateKey))).toBe(200);
  });

  it("still takes keys", async () => {
    expect(await statusWith(APP_KEY)).toBe(200);
  });

  it.each([
    ["of another key", () => token().sign(stranger.privateKey)],
    ["of another issuer", () => token({ issuer: "https://evil.example" }).sign(pair.privateKey)],
    ["for another audience", () => token({ audience: "other" }).sign(pair.privateKey)],
    ["of an unknown subject", () => token({ subject: "nobody" }).sign(pair.privateKey)],
    ["that has run out", () => token({ expires: "-5m" }).sign(pair.privateKey)],
    [
      "without an end",
      () =>
        new SignJWT({ sub: "app@acme", iss: ISSUER, aud: AUDIENCE })
          .setProtectedHeader({ alg: "ES256", kid: "one" })
          .sign(pair.privateKey),
    ],
    [
      "without a signature",
      () =>
        Promise.resolve(
          new UnsecuredJWT({ sub: "app@acme", iss: ISSUER, aud: AUDIENCE }).setExpirationTime("5m").encode(),
        ),
    ],
  ])("refuses one %s", async (_what, make) => {
    expect(await statusWith(await make())).toBe(401);
  });
});

describe("certificates", () => {
  let folder: string;

  function openssl(...args: string[]): void {
    const { status, stderr } = spawnSync("openssl", args, { cwd: folder, encoding: "utf8" });
    expect([status, stderr]).toEqual([0, expect.any(String)]);
  }

  function authority(name: string): void {
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
  }

  function certificate(name: string, by: string, names: string): void {
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...[
        "-subj",
        `/CN=${name}`,
        "-addext",
        `subjectAltName=${names}`,
        "-addext",
        "basicConstraints=CA:FALSE",
      ],
      ...["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
  }

  beforeAll(async () => {
    folder = await temporaryDirectoryOfSuite();
    authority("ca");
    authority("other-ca");
    certificate("server", "ca", "IP:127.0.0.1");
    certificate("app", "ca", "URI:spiffe://acme/app");
    certificate("stranger", "ca", "URI:spiffe://acme/nobody");
    certificate("forged", "other-ca", "URI:spiffe://acme/app");
  });

  async function temporaryDirectoryOfSuite(): Promise<string> {
    const { mkdtemp } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    return mkdtemp(join(tmpdir(), "certificates-"));
  }

  const secured = (config: GatewayConfigInput): GatewayConfigInput => ({
    ...config,
    listen: {
      port: 0,
      tls: {
        certificatePath: join(folder, "server.pem"),
        keyPath: join(folder, "server.key"),
        clientAuthorityPath: join(folder, "ca.pem"),
      },
    },
    clients: config.clients.map((client) =>
      client.id === "app" ? { ...client, certificates: ["URI:spiffe://acme/app"] } : client,
    ),
  });

  function call(url: string, by: string | null, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      const identity =
        by === null
          ? {}
          : { cert: readFileSync(join(folder, `${by}.pem`)), key: readFileSync(join(folder, `${by}.key`)) };
      const req = request(
        `${url}${CHAT}`,
        {
          method: "POST",
          ca: readFileSync(join(folder, "ca.pem")),
          headers: { "content-type": "application/json", ...headers },
          ...identity,
        },
        (res) => {
          res.resume();
          resolve(res.statusCode ?? 0);
        },
      );
      req.on("error", reject);
      req.end(JSON.stringify(hello));
    });
  }

  it.each([
    ["the client's own", "app", {}, 200],
    ["none", null, {}, 401],
    ["none, but a key", null, { authorization: `Bearer ${APP_KEY}` }, 200],
    ["one of nobody", "stranger", {}, 401],
    ["one of another authority", "forged", {}, 401],
    ["the client's own with a wrong key", "app", { authorization: "Bearer wrong-key-0123456789" }, 401],
  ] as const)("answers a caller with %s certificate", async (_what, by, headers, status) => {
    const under = await gatewayUnderTest([await fakeEngine()], secured);
    expect(await call(under.gateway.url, by, headers)).toBe(status);
  });
});
