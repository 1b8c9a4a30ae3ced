import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MISTRAL } from "../../testing/providers.ts";
import { parsePlatform } from "../parse.ts";
import { readStack } from "../stack-file.ts";

const base = readStack(join(import.meta.dirname, "..", ".."), "globex-prod");
if (base.cloud.provider !== "gcp") throw new Error("not on Google Cloud");
const HOME = base.cloud.region;

/** Keys that leave the allowed regions. */
function leaving(regions: readonly string[], providerRegion?: string): string[] {
  const providers = providerRegion === undefined ? [] : [{ ...MISTRAL, region: providerRegion }];
  const parsed = parsePlatform({ ...base, residency: { regions }, providers });
  return parsed.kind === "valid"
    ? []
    : parsed.problems.map(({ path }) => path).filter((path) => /region/.test(path));
}

describe("the regions data may be in", () => {
  it.each<[string, readonly string[], string | undefined, readonly string[]]>([
    ["hold the cloud's region", [HOME], undefined, []],
    ["do not", ["europe-north1"], undefined, ["cloud.region"]],
    ["hold a provider's", [HOME, "eu-west-3"], "eu-west-3", []],
    ["do not hold a provider's", [HOME], "eu-west-3", ["providers[0].region"]],
    ["are narrower than the whole Union", [HOME], "eu", ["providers[0].region"]],
    ["are outside of the Union", [HOME, "us-east1"], undefined, ["residency.regions[1]"]],
  ])("%s", (_what, regions, providerRegion, expected) => {
    expect(leaving(regions, providerRegion)).toEqual(expected);
  });
});
