import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { beforeAll, describe, expect, it } from "vitest";
import { licencesPage } from "../supply-chain/licences-page.ts";
import { licenceCatalogue, licenceProblems } from "../supply-chain/licences.ts";
import { licenceKey, type SoftwareComponent } from "../supply-chain/component.ts";
import { broughtImages } from "../supply-chain/mirror.ts";
import { CHART_NAMES } from "../charts/catalog.ts";
import { allComponents, LICENCES_PAGE } from "./licences.ts";
import { run } from "./testing/run.ts";

interface Entry {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly scope?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly expression?: string }[];
}

describe("the bill of materials of a stack", () => {
  let text: string;
  let entries: readonly Entry[];
  beforeAll(async () => {
    const { code, out } = await run(["sbom", "-s", "acme-prod"]);
    expect(code).toBe(0);
    text = out;
    entries = (JSON.parse(out) as { readonly components: readonly Entry[] }).components;
  });

  it("is valid CycloneDX 1.6, and the validator finds what is not", async () => {
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(text)).toBeNull();
    expect(await validator.validate(text.replace('"type": "container"', '"type": "vessel"'))).not.toBeNull();
  });

  it("has every kind of part with what pins it", () => {
    const named = (name: string): Entry | undefined => entries.find((entry) => entry.name === name);
    expect(named("docker.io/vllm/vllm-openai")).toMatchObject({
      type: "container",
      version: "v0.30.0",
      hashes: [{ alg: "SHA-256", content: expect.stringMatching(/^8a69ffad[0-9a-f]{56}$/) as unknown }],
      licenses: [{ expression: "Apache-2.0" }],
    });
    expect(named("own/llmops-gateway")?.hashes).toBeUndefined();
    expect(named("keda")).toMatchObject({ version: "2.20.2", type: "application" });
    expect(named("Qwen/Qwen3-32B")).toMatchObject({
      type: "machine-learning-model",
      purl: "pkg:huggingface/Qwen/Qwen3-32B@9216db5781bf21249d130ec9da846c4624c16137",
    });
    expect(named("factuality")).toMatchObject({
      type: "data",
      scope: "excluded",
      hashes: [{ alg: "SHA-256" }],
    });
    expect(named("kwok")?.purl).toBe("pkg:golang/sigs.k8s.io/kwok@v0.8.0");
    expect(named("vitest")).toMatchObject({ scope: "excluded", hashes: [{ alg: "SHA-512" }] });
    expect(entries.filter(({ name }) => name === "commander").map(({ scope }) => scope)).toContain(
      "required",
    );
  });

  it("names every package of the lock file, each with a digest", () => {
    const { packages } = JSON.parse(
      readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"),
    ) as {
      readonly packages: Readonly<Record<string, { readonly version?: string; readonly link?: true }>>;
    };
    const locked = Object.entries(packages)
      .filter(([path, { link }]) => path.includes("node_modules/") && link !== true)
      .map(([path, { version }]) => `${path.split("node_modules/").at(-1) ?? ""}@${version ?? ""}`);
    const listed = entries.filter(({ purl }) => purl?.startsWith("pkg:npm/") === true);
    expect(new Set(listed.map(({ name, version }) => `${name}@${version ?? ""}`))).toEqual(new Set(locked));
    expect(listed.filter(({ hashes }) => hashes === undefined).map(({ name }) => name)).toEqual([]);
  });

  it("is the same when made again", async () => {
    expect((await run(["sbom", "-s", "acme-prod"])).out).toBe(text);
  });
});

describe("licences of everything the repository and its stacks are made of", () => {
  const known = licenceCatalogue();
  let components: readonly SoftwareComponent[];
  beforeAll(async () => {
    components = await allComponents();
  });

  it("are all known and allowed or decided", () => {
    expect(components.length).toBeGreaterThan(500);
    expect(licenceProblems(components, known)).toEqual([]);
  });

  it("would stop Redis 7.4, whose licence is not open, and a model nobody looked at", () => {
    const strange = (
      kind: SoftwareComponent["kind"],
      name: string,
      declared?: string,
    ): SoftwareComponent => ({
      kind,
      name,
      hashes: [],
      ...(declared === undefined ? {} : { declared }),
      scope: "required",
      facts: {},
    });
    expect(
      licenceProblems([strange("image", "own/redis", "SSPL-1.0"), strange("model", "some/model")], known),
    ).toHaveLength(2);
  });

  it("are on the page in docs; else run `npx llmops licences --write`", () => {
    expect(readFileSync(LICENCES_PAGE, "utf8")).toBe(licencesPage(components, known));
  });

  const ofCharts = CHART_NAMES.flatMap((name) => [
    `chart/${name}`,
    ...broughtImages(name).map((image) => `image/${image}`),
  ]);

  it("are written for charts and their images even where no shipped stack installs them", () => {
    expect(ofCharts.filter((key) => known.components[key] === undefined)).toEqual([]);
  });

  it("are written for nothing that is not there any more", () => {
    const used = new Set([...components.map(licenceKey), ...ofCharts]);
    expect(Object.keys(known.components).filter((key) => !used.has(key))).toEqual([]);
  });
});
