import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { commentOf, MARKER } from "./comment.ts";
import { differenceOf, stops, unknownStops } from "./difference.ts";
import { PostError, postComment, targetOf } from "./post.ts";
import { SnapshotError, snapshotOf, type ReviewFinding, type Snapshot } from "./snapshot.ts";

const finding = (change: Partial<ReviewFinding> = {}): ReviewFinding => ({
  control: "AIA-SEC-01",
  status: "fail",
  level: "mandatory",
  resource: "urn:pulumi:s::p::t::cluster",
  message: "cluster: open",
  ...change,
});

const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  stack: "acme-prod",
  riskClass: "high",
  environment: "prod",
  resources: [
    { urn: "a", type: "t", name: "a", sha256: "1" },
    { urn: "b", type: "t", name: "b", sha256: "1" },
  ],
  cost: {
    monthlyUsd: { min: "100.00", expected: "200.00", max: "1000.00" },
    budgetUsd: "5000.00",
    verdict: "within-budget",
  },
  findings: [],
  unusable: [],
  evidenceSha256: "e".repeat(64),
  ...change,
});

const ceiling = (max: string): Snapshot["cost"] => ({
  monthlyUsd: { min: "100.00", expected: "200.00", max },
  budgetUsd: "5000.00",
  verdict: "within-budget",
});

describe("the difference of two snapshots", () => {
  it("names what is created, changed and deleted", () => {
    const after = snapshot({
      resources: [
        { urn: "b", type: "t", name: "b", sha256: "2" },
        { urn: "c", type: "t", name: "c", sha256: "1" },
      ],
    });
    const { created, changed, deleted } = differenceOf(snapshot(), after);
    expect([created, changed, deleted].map((list) => list.map(({ urn }) => urn))).toEqual([
      ["c"],
      ["b"],
      ["a"],
    ]);
  });

  it("tells new findings from fixed, standing and exempted ones", () => {
    const before = snapshot({ findings: [finding(), finding({ control: "AIA-LOG-12" })] });
    const exempted = finding({
      control: "AIA-LOG-03",
      exemption: { id: "EX-2026-001", expires: "2026-12-01", reason: "moved" },
    });
    const after = snapshot({ findings: [finding(), finding({ control: "COST-03" }), exempted] });
    const { added, fixed, standing, exempted: covered } = differenceOf(before, after).findings;
    expect([added, fixed, standing, covered].map((list) => list.map(({ control }) => control))).toEqual([
      ["COST-03"],
      ["AIA-LOG-12"],
      ["AIA-SEC-01"],
      ["AIA-LOG-03"],
    ]);
  });

  it.each<[string, Snapshot | undefined, Snapshot | undefined, "given" | "none", readonly string[]]>([
    ["nothing", snapshot(), snapshot(), "none", []],
    ["a stack that goes", snapshot({ findings: [finding()] }), undefined, "none", []],
    [
      "a mandatory finding, also an old one",
      snapshot({ findings: [finding()] }),
      snapshot({ findings: [finding()] }),
      "none",
      ["acme-prod: 1 mandatory findings"],
    ],
    ["an advisory finding", snapshot(), snapshot({ findings: [finding({ level: "advisory" })] }), "none", []],
    ["a rise of 500", snapshot(), snapshot({ cost: ceiling("1500.00") }), "none", []],
    [
      "a rise of 500.01",
      snapshot(),
      snapshot({ cost: ceiling("1500.01") }),
      "none",
      ["acme-prod: the ceiling rises by 500.01 USD per month, more than 500.00 that need no approval"],
    ],
    ["an approved rise", snapshot(), snapshot({ cost: ceiling("1500.01") }), "given", []],
    [
      "a ceiling over the budget, approved or not",
      snapshot({ cost: ceiling("4900.00") }),
      snapshot({ cost: ceiling("5000.01") }),
      "given",
      ["acme-prod: the ceiling of 5000.01 USD is over the budget of 5000.00 USD"],
    ],
    [
      "a tenth of a large ceiling",
      snapshot({ cost: { ...ceiling("40000.00"), budgetUsd: "90000.00" } as Snapshot["cost"] }),
      snapshot({ cost: { ...ceiling("44000.00"), budgetUsd: "90000.00" } as Snapshot["cost"] }),
      "none",
      [],
    ],
    [
      "what it cannot have, also an old fault",
      snapshot({ unusable: ["registryMirror: x takes y from elsewhere"] }),
      snapshot({ unusable: ["registryMirror: x takes y from elsewhere"] }),
      "given",
      ["acme-prod: registryMirror: x takes y from elsewhere"],
    ],
    [
      "a plan of a version that did not look for it",
      snapshot(),
      snapshot({ unusable: undefined }),
      "given",
      ["acme-prod: nobody looked for what it cannot have: plan it with this version"],
    ],
    ["a base of such a version", snapshot({ unusable: undefined }), snapshot(), "none", []],
  ])("%s stops what it should", (_what, before, after, approval, expected) => {
    expect(stops(differenceOf(before, after), { cost: approval, loss: "none" })).toEqual(expected);
  });
});

describe("a base that cannot be planned", () => {
  const base = { stack: "acme-prod", reason: "module not found" };

  it.each([
    ["none", "none", 1],
    ["given", "none", 1],
    ["none", "given", 1],
    ["given", "given", 0],
  ] as const)("stops, with a rise approved: %s, a loss approved: %s", (cost, loss, count) => {
    const found = unknownStops(base, { cost, loss });
    expect(found).toHaveLength(count);
    for (const stop of found) {
      expect(stop).toContain("acme-prod: the base cannot be planned, so nobody can tell what is lost");
      expect(stop).toContain("module not found");
    }
  });
});

describe("a change that would lose data", () => {
  const audit = { kind: "bucket", formerUrns: [], fixed: {}, kept: "not-kept" } as const;
  const before = snapshot({
    resources: [{ urn: "s::p::t::a", type: "t", name: "a", sha256: "1", identity: audit }],
  });
  const renamed = snapshot({
    resources: [{ urn: "s::p::t::b", type: "t", name: "b", sha256: "1", identity: audit }],
  });
  const gone = snapshot({ resources: [] });

  it.each([
    ["a name without an alias", renamed, "given", ["renamed"]],
    ["a deletion", gone, "none", ["deleted"]],
    ["an approved deletion", gone, "given", []],
  ] as const)("%s", (_what, after, loss, kinds) => {
    const found = stops(differenceOf(before, after), { cost: "none", loss });
    expect(found.map((stop) => /is (?<kind>\w+):/.exec(stop)?.groups?.["kind"])).toEqual(kinds);
  });

  it("is not a stack that goes or comes as a whole", () => {
    expect(differenceOf(before, undefined).losses).toEqual([]);
    expect(differenceOf(undefined, before).losses).toEqual([]);
  });
});

describe("the comment", () => {
  const input = {
    base: "main",
    head: "feature",
    unknownBase: [],
    stops: [],
    asOf: "2026-11-24T12:00:00.000Z",
  };

  it("begins with the marker and shows the ceiling, its change and the budget", () => {
    const difference = differenceOf(snapshot(), snapshot({ cost: ceiling("1500.00") }));
    const text = commentOf({ ...input, differences: [difference] });
    expect(text.startsWith(`${MARKER}\n`)).toBe(true);
    expect(text).toContain("| acme-prod | 100 | 200 | 1,500 (+500) | 30 % |");
    expect(text).toContain("Nothing that is checked stops it.");
    expect(text.toLowerCase()).not.toMatch(/\bcompliant\b/);
  });

  it("lets nothing in a finding or a name break out", () => {
    const hostile = finding({ message: "a | b </details> `x`\n## owned" });
    const bad = { urn: "u", type: "t", name: "```\n# owned", sha256: "1" };
    const text = commentOf({
      ...input,
      differences: [differenceOf(snapshot(), snapshot({ findings: [hostile], resources: [bad] }))],
    });
    expect(text).not.toContain("\n## owned");
    expect(text).not.toContain("b </details>");
    expect(text.match(/```/g)).toHaveLength(2);
  });

  it("stays below what GitHub takes", () => {
    const many = Array.from({ length: 60 }, (_, at) =>
      differenceOf(
        undefined,
        snapshot({
          stack: `client-${at}`,
          findings: Array.from({ length: 60 }, (_each, n) => finding({ property: `p${n}` })),
        }),
      ),
    );
    const text = commentOf({ ...input, differences: many });
    expect(text.length).toBeLessThan(65_536);
    expect(text).toContain("cut; `llmops review` prints the rest");
  });
});

describe("a snapshot", () => {
  it.each([
    ["nothing", "", "printed no JSON"],
    ["another form", '{"stack": "x"}', "another form: graph"],
  ])("of %s is refused", (_what, text, message) => {
    expect(() => snapshotOf(text)).toThrow(SnapshotError);
    expect(() => snapshotOf(text)).toThrow(message);
  });
});

describe("posting", () => {
  interface Seen {
    readonly method: string;
    readonly url: string;
    readonly token: string;
    readonly body: string;
  }

  async function server(
    comments: { id: number; body: string }[],
    status = 200,
  ): Promise<{ url: string; seen: Seen[] }> {
    const seen: Seen[] = [];
    const listening = createServer((req, res) => {
      let text = "";
      req.on("data", (part: Buffer) => (text += part.toString()));
      req.on("end", () => {
        const body = text === "" ? "" : (JSON.parse(text) as { body: string }).body;
        const token = req.headers.authorization ?? String(req.headers["private-token"]);
        seen.push({ method: req.method ?? "", url: req.url ?? "", token, body });
        if (req.method === "POST") comments.push({ id: 7, body });
        res.writeHead(status, { "content-type": "application/json" });
        const page = Number(new URL(req.url ?? "", "http://x").searchParams.get("page") ?? "1");
        res.end(JSON.stringify(req.method === "GET" ? comments.slice((page - 1) * 100, page * 100) : {}));
      });
    });
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void listening.close());
    return { url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, seen };
  }

  const github = (url: string): NodeJS.ProcessEnv => ({
    GITHUB_API_URL: url,
    GITHUB_REPOSITORY: "acme/llmops",
    PULL_REQUEST: "12",
    GITHUB_TOKEN: "t",
  });

  it("posts once on GitHub and replaces the same comment afterwards, also behind a hundred others", async () => {
    const others = Array.from({ length: 130 }, (_, id) => ({ id: 1000 + id, body: "hello" }));
    const { url, seen } = await server(others);
    const target = targetOf("github", github(url));
    expect(await postComment(target, `${MARKER}\none`)).toBe("posted");
    expect(await postComment(target, `${MARKER}\ntwo`)).toBe("replaced");
    expect(seen.filter(({ method }) => method !== "GET")).toEqual([
      {
        method: "POST",
        url: "/repos/acme/llmops/issues/12/comments",
        token: "Bearer t",
        body: `${MARKER}\none`,
      },
      {
        method: "PATCH",
        url: "/repos/acme/llmops/issues/comments/7",
        token: "Bearer t",
        body: `${MARKER}\ntwo`,
      },
    ]);
  });

  it("does the same on GitLab", async () => {
    const { url, seen } = await server([{ id: 3, body: `${MARKER}\nold` }]);
    const target = targetOf("gitlab", {
      CI_API_V4_URL: url,
      CI_PROJECT_ID: "5",
      CI_MERGE_REQUEST_IID: "9",
      GITLAB_TOKEN: "g",
    });
    expect(await postComment(target, `${MARKER}\nnew`)).toBe("replaced");
    expect(seen.at(-1)).toMatchObject({
      method: "PUT",
      url: "/projects/5/merge_requests/9/notes/3",
      token: "g",
    });
  });

  it("says which variable is missing, and what the server refused", async () => {
    expect(() => targetOf("github", { GITHUB_REPOSITORY: "a/b" })).toThrow("PULL_REQUEST is missing");
    const { url } = await server([], 403);
    await expect(postComment(targetOf("github", github(url)), "x")).rejects.toThrow(PostError);
  });
});
