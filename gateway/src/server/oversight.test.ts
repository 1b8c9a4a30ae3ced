import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../audit/chain.ts";
import { verifyDirectory } from "../audit/verify.ts";
import { auditCommand } from "../cli/audit-command.ts";
import { ConfigError } from "../config/load.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import { chat, chatEvents, fakeEngine, stream } from "../testing/fake-engine.ts";
import { gatewayUnderTest } from "../testing/gateway-under-test.ts";
import type { GatewayUnderTest } from "../testing/gateway-under-test.ts";
import { auditWithContent } from "../testing/kept-content.ts";

const CHAT = "/v1/chat/completions";
const REVIEWER_KEY = "reviewer-key-0123456789";
const ERASER_KEY = "eraser-key-0123456789";
const claim = { model: "small", messages: [{ role: "user", content: "deny the claim of 12345678Z" }] };

const administered = (config: GatewayConfigInput): GatewayConfigInput => ({
  ...config,
  admin: {
    port: 0,
    keys: [
      { id: "maria", key: sha256Hex(REVIEWER_KEY), roles: ["review"] },
      { id: "dpo", key: sha256Hex(ERASER_KEY), roles: ["erase"] },
    ],
  },
});

const reviewing =
  (side: "input" | "output") =>
  (config: GatewayConfigInput): GatewayConfigInput => ({
    ...administered(config),
    guards: { input: [], output: [], [side]: [{ detector: "pii", action: "review" }] },
  });

const keeping = (config: GatewayConfigInput): GatewayConfigInput => ({
  ...administered(config),
  guards: { input: [], output: [] },
  audit: auditWithContent(config),
});

async function admin(
  under: GatewayUnderTest,
  path: string,
  body: unknown = null,
  key = REVIEWER_KEY,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(`${under.gateway.adminUrl ?? ""}${path}`, {
    method: body === null ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await auditCommand(
    args,
    (text) => (out += text),
    (text) => (err += text),
  );
  return { code, out, err };
}

describe("human review", () => {
  it("is listed and decided with the command line", async () => {
    const under = await gatewayUnderTest([await fakeEngine()], reviewing("input"));
    const ticket = (await under.post(CHAT, claim)).headers.get("x-llmops-review") ?? "";
    await writeFile(join(under.directory, "admin-key"), `${REVIEWER_KEY}\n`);
    const address = [
      "--url",
      under.gateway.adminUrl ?? "",
      "--admin-key",
      join(under.directory, "admin-key"),
    ];
    expect(await run("reviews", ...address)).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${ticket} `) as string,
    });
    expect(await run("reviews", ...address, "--approve", ticket)).toMatchObject({
      code: 0,
      out: `${ticket} approved\n`,
    });
    expect(await run("reviews", ...address, "--deny", ticket)).toMatchObject({ code: 2 });
    expect(await run("reviews", ...address, "--json")).toMatchObject({ code: 0, out: '{"reviews":[]}\n' });
  });

  it("holds a request until a person approves it, lets it through once, and records who decided", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], reviewing("input"));
    const asked = await under.post(CHAT, claim);
    const ticket = asked.headers.get("x-llmops-review") ?? "";
    expect([asked.status, engine.seen.length]).toEqual([403, 0]);
    expect(((await asked.json()) as { error: { code: string } }).error.code).toBe("review_required");

    const approval = { headers: { "x-llmops-approval": ticket } };
    expect((await under.post(CHAT, claim, approval)).status).toBe(403);
    const { body } = await admin(under, "/admin/reviews");
    const reviews = body["reviews"] as { id: string; guards: string[] }[];
    expect(reviews.filter(({ id }) => id === ticket)).toMatchObject([
      { client: "app", side: "input", guards: ["pii"] },
    ]);

    const decided = await admin(under, `/admin/reviews/${ticket}`, { decision: "approved" });
    expect(decided).toMatchObject({ status: 200, body: { state: "approved" } });
    expect((await under.post(CHAT, { ...claim, temperature: 1 }, approval)).status).toBe(403);
    expect((await under.post(CHAT, claim, approval)).status).toBe(200);
    expect((await under.post(CHAT, claim, approval)).status).toBe(403);
    expect(engine.seen).toHaveLength(1);

    const records = await under.records();
    const review = records.find(({ kind }) => kind === "review");
    const intent = records.find(({ kind }) => kind === "intent");
    expect(review).toMatchObject({ ticket, decision: "approved" });
    expect(JSON.stringify(records)).not.toContain("maria");
    expect(intent).toMatchObject({
      approval: ticket,
      reviewer: review?.kind === "review" ? review.reviewer : "none",
      guards: [{ guard: "pii", action: "flag", found: { dni: 1 } }],
    });
    expect(records.flatMap((r) => (r.kind === "decision" ? [r.result] : []))).toEqual(
      Array(4).fill("review"),
    );
  });

  it("does not let a denied request through", async () => {
    const engine = await fakeEngine();
    const under = await gatewayUnderTest([engine], reviewing("input"));
    const ticket = (await under.post(CHAT, claim)).headers.get("x-llmops-review") ?? "";
    expect((await admin(under, `/admin/reviews/${ticket}`, { decision: "denied" })).status).toBe(200);
    expect((await admin(under, `/admin/reviews/${ticket}`, { decision: "approved" })).status).toBe(409);
    expect((await under.post(CHAT, claim, { headers: { "x-llmops-approval": ticket } })).status).toBe(403);
    expect(engine.seen).toHaveLength(0);
  });

  it.each([false, true])("keeps back an answer that needs review (stream: %s)", async (streamed) => {
    const words = ["your number is ", "12345678Z", " ok"];
    const engine = await fakeEngine(streamed ? stream(chatEvents(words)) : chat(words.join("")));
    const under = await gatewayUnderTest([engine], reviewing("output"));
    const body = { ...claim, stream: streamed };
    const held = await (await under.post(CHAT, body)).text();
    expect(held).not.toContain("12345678Z");
    const [ticket] = (await admin(under, "/admin/reviews")).body["reviews"] as { id: string }[];
    expect(held).toContain(ticket?.id);
    await admin(under, `/admin/reviews/${ticket?.id ?? ""}`, { decision: "approved" });
    const shown = await under.post(CHAT, body, { headers: { "x-llmops-approval": ticket?.id ?? "" } });
    expect([shown.status, (await shown.text()).includes("12345678Z")]).toEqual([200, true]);
    expect((await under.records())[1]).toMatchObject({ kind: "outcome", result: "blocked", reason: "pii" });
  });

  it("lets an approval hold for one answer: the cache neither keeps it nor answers in its place", async () => {
    const engine = await fakeEngine(chat("your number is 12345678Z"));
    const cached = (config: GatewayConfigInput): GatewayConfigInput => ({
      ...reviewing("output")(config),
      models: config.models.map((model) => ({ ...model, cache: { seconds: 60 } })),
    });
    const under = await gatewayUnderTest([engine], cached);
    const approve = async (ticket: string | null): Promise<Record<string, string>> => {
      await admin(under, `/admin/reviews/${ticket ?? ""}`, { decision: "approved" });
      return { "x-llmops-approval": ticket ?? "" };
    };
    const held = await under.post(CHAT, claim);
    const headers = await approve(/approval: ([0-9a-f-]{36})/.exec(await held.text())?.[1] ?? null);
    const shown = await under.post(CHAT, claim, { headers });
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining("12345678Z")]);
    const again = await under.post(CHAT, claim);
    expect([again.status, again.headers.get("x-cache")]).toEqual([403, null]);
    expect(engine.seen).toHaveLength(3);
  });

  it("does not take the approval of a request for one of its answer", async () => {
    const both = (config: GatewayConfigInput): GatewayConfigInput => ({
      ...administered(config),
      guards: {
        input: [{ detector: "pii", action: "review" }],
        output: [{ detector: "pii", action: "review" }],
      },
    });
    const under = await gatewayUnderTest([await fakeEngine(chat("your number is 12345678Z"))], both);
    const ticketOf = async (response: Response): Promise<string> => {
      const ticket = /approval: ([0-9a-f-]{36})/.exec(await response.text())?.[1] ?? "";
      await admin(under, `/admin/reviews/${ticket}`, { decision: "approved" });
      return ticket;
    };
    const first = await ticketOf(await under.post(CHAT, claim));
    const withheld = await under.post(CHAT, claim, { headers: { "x-llmops-approval": first } });
    expect(withheld.status).toBe(403);
    expect((await under.records()).at(-1)).toMatchObject({ kind: "outcome", result: "blocked" });
    const second = await ticketOf(withheld);
    const shown = await under.post(CHAT, claim, { headers: { "x-llmops-approval": second } });
    expect([shown.status, await shown.text()]).toEqual([200, expect.stringContaining("12345678Z")]);
  });

  it.each([
    ["no key", "/admin/reviews", null, "unknown-key-0123456789", 401],
    ["a key without the role", "/admin/reviews", null, ERASER_KEY, 403],
    ["a key without the role to erase", "/admin/erasures", { tenant: "a", subject: "b" }, REVIEWER_KEY, 403],
    ["an unknown operation", "/admin/config", null, REVIEWER_KEY, 404],
    ["an unknown ticket", `/admin/reviews/${"0".repeat(36)}`, { decision: "approved" }, REVIEWER_KEY, 409],
    ["another decision", `/admin/reviews/${"0".repeat(36)}`, { decision: "maybe" }, REVIEWER_KEY, 400],
    ["nothing to erase", "/admin/erasures", { tenant: "a", subject: "b" }, ERASER_KEY, 409],
  ])("refuses %s", async (_what, path, body, key, status) => {
    const under = await gatewayUnderTest([await fakeEngine()], reviewing("input"));
    expect((await admin(under, path, body, key)).status).toBe(status);
    expect((await fetch(`${under.gateway.url}/admin/reviews`)).status).toBe(404);
  });

  it("refuses a review rule that nobody can answer", async () => {
    const change = (config: GatewayConfigInput): GatewayConfigInput => ({
      ...reviewing("input")(config),
      admin: null,
    });
    await expect(gatewayUnderTest([await fakeEngine()], change)).rejects.toThrow(ConfigError);
  });
});

describe("content", () => {
  it("is kept encrypted and erased with its subject, and the log stays intact", async () => {
    const engine = await fakeEngine(chat("the answer for Ana"));
    const under = await gatewayUnderTest([engine], keeping);
    const body = { model: "small", messages: [{ role: "user", content: "the question of Ana" }] };
    await under.post(CHAT, body, { headers: { "x-llmops-subject": "ana" } });
    await under.post(CHAT, body, { headers: { "x-llmops-subject": "luis" } });
    const contents = (await under.records()).flatMap((r) =>
      (r.kind === "intent" || r.kind === "outcome") && r.content !== undefined ? [r.content] : [],
    );
    expect(contents.map(({ object }) => object.split(".").at(-1))).toEqual([
      "input",
      "output",
      "input",
      "output",
    ]);
    const folder = join(under.directory, "content");
    const stored = (await readdir(folder, { recursive: true })).filter((name) => /\.(in|out)put$/.test(name));
    const bytes = await Promise.all(stored.map((name) => readFile(join(folder, name), "latin1")));
    expect([stored.length, bytes.some((text) => text.includes("Ana"))]).toEqual([4, false]);

    const erased = await admin(under, "/admin/erasures", { tenant: "acme", subject: "ana" }, ERASER_KEY);
    expect(erased).toMatchObject({ status: 200, body: { keys: [contents[0]?.key] } });
    expect((await under.records()).at(-1)).toMatchObject({ kind: "erasure", keys: [contents[0]?.key] });
    const keys = await readdir(join(under.directory, "subject-keys"), { recursive: true });
    expect(keys.filter((name) => name.endsWith(contents[0]?.key ?? "none"))).toEqual([]);
    expect(keys.filter((name) => name.endsWith(contents[2]?.key ?? "none"))).toHaveLength(1);
    await under.gateway.close();
    const { verdict } = await verifyDirectory(join(under.directory, "audit"), {
      publicKeys: [under.gateway.publicKeyPem],
    });
    expect(verdict).toBe("intact");
  });

  it("is read and erased with the command line", async () => {
    const under = await gatewayUnderTest([await fakeEngine(chat("the answer"))], keeping);
    await under.post(CHAT, claim, { headers: { "x-llmops-subject": "ana" } });
    const id = (await under.records()).flatMap((r) => (r.kind === "intent" ? [r.id] : []))[0] ?? "";
    const at = (name: string): string => join(under.directory, name);
    const where = [
      "--objects",
      at("content"),
      "--keys",
      at("subject-keys"),
      "--master-key",
      at("keys/master"),
    ];
    const read = ["content", at("audit"), "--id", id, ...where];
    const said = await run(...read);
    expect([said.code, said.out]).toEqual([0, expect.stringContaining("deny the claim")]);
    expect(said.out).toContain("output: ");
    await writeFile(at("admin-key"), ERASER_KEY);
    const address = ["--url", under.gateway.adminUrl ?? "", "--admin-key", at("admin-key")];
    const erased = await run("erase", ...address, "--tenant", "acme", "--subject", "ana", "--json");
    expect([erased.code, (JSON.parse(erased.out) as { keys: string[] }).keys.length]).toEqual([0, 1]);
    expect(await run(...read)).toMatchObject({ code: 1, out: "input: erased\noutput: erased\n" });
    expect(await run("reviews", ...address)).toMatchObject({
      code: 2,
      err: expect.stringContaining("review") as string,
    });
    expect(await run("content", at("audit"), "--id", "none", ...where)).toMatchObject({ code: 2 });
  });

  it("keeps a streamed answer as it was sent", async () => {
    const under = await gatewayUnderTest([await fakeEngine(stream(chatEvents(["a", "b"])))], keeping);
    await (await under.post(CHAT, { ...claim, stream: true })).text();
    expect((await under.records())[1]).toMatchObject({
      result: "completed",
      content: { object: expect.stringMatching(/\.output$/) as string },
    });
  });
});
