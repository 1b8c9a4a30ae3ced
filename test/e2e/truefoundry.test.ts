import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { leftOut } from "../../plan/targets/model-export.ts";
import { plannedModel } from "../../plan/targets/planned-model.ts";
import { exportToTrueFoundry } from "../../plan/targets/truefoundry.ts";
import { ensurePythonTool, TRUEFOUNDRY } from "../../tools/python-tool.ts";
import { planAll, SHIPPED } from "../policy/environments.ts";

/**
 * Reads manifests from standard input with TrueFoundry's models, which ignore what they do not know: so each is compared with
 * what was understood of it. Prints one list of problems per manifest.
 */
const READER = `
import json, sys
from truefoundry.deploy import Application
from truefoundry.pydantic_v1 import ValidationError

def strangers(given, understood, path):
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(understood, dict) or key not in understood:
                yield f"{path}{key} does not exist"
            else:
                yield from strangers(value, understood[key], f"{path}{key}.")
    elif isinstance(given, list):
        for index, value in enumerate(given):
            yield from strangers(value, understood[index], f"{path}{index}.")
    elif given != understood:
        yield f"{path[:-1]} became {understood!r}"

def problems(manifest):
    try:
        application = Application.parse_obj(manifest)
    except ValidationError as error:
        return sorted({".".join(str(step) for step in each["loc"][2:]) + ": " + each["msg"] for each in error.errors()})
    return list(strangers(manifest, json.loads(application.json()), ""))

print(json.dumps([problems(each) for each in json.load(sys.stdin)]))
`;

/** Proves that TrueFoundry's own package reads the manifests; its platform was not there to deploy them. */
const plans = await planAll([...SHIPPED]);
const services = [...plans].flatMap(([stack, { config, planned }]) =>
  config.models.map((model) => {
    const one = plannedModel(planned.plan.graph, config, model);
    const exported = one === undefined ? leftOut("several pods") : exportToTrueFoundry(one, "cluster-1");
    return { name: `${stack} ${model.name}`, exported };
  }),
);
const manifests = services.flatMap(({ exported }) => exported.files.flatMap(({ documents }) => documents));

let python: string;

beforeAll(async () => {
  python = join(await ensurePythonTool(TRUEFOUNDRY), "python");
});

function problemsOf(read: readonly object[]): unknown {
  const { status, stdout, stderr } = spawnSync(python, ["-c", READER], {
    input: JSON.stringify(read),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

describe("services exported for TrueFoundry", () => {
  it("are understood by its own package, in every field", () => {
    expect(manifests.length).toBeGreaterThan(3);
    expect(problemsOf(manifests)).toEqual(manifests.map(() => []));
  });

  it.each([
    [{ invented: 1 }, ["invented does not exist"]],
    [{ replicas: "many" }, expect.arrayContaining([expect.stringContaining("replicas")]) as unknown],
    [{ name: "a--b" }, [expect.stringContaining("name: string does not match regex")]],
    [
      { rollout_strategy: { type: "canary", steps: [{ weight_percentage: 120 }] } },
      [expect.stringContaining("weight_percentage: ensure this value is less than or equal to 100")],
    ],
  ])("are not understood with %j", (change, problems) => {
    const [service] = manifests;
    expect(problemsOf([{ ...service, ...change }])).toEqual([problems]);
  });
});
