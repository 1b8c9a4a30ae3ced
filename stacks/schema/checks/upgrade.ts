import { ORIGINAL_GENERATION } from "../../../components/gpu/generation.ts";
import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { duplicates, problem, type Check } from "./check.ts";

type Pool = PlatformConfig["gpuPools"][number];
type Generation = Pool["generations"][number];

/** Minors a kubelet may be behind its API server. @see https://kubernetes.io/releases/version-skew-policy/#kubelet */
const KUBELET_SKEW = 3;

/** Form of a release by provisioner, with an example. */
const RELEASES: Readonly<
  Record<Pool["provisioner"], { readonly form: RegExp; readonly example: string } | undefined>
> = {
  karpenter: { form: /^v\d{8}$/, example: "v20261101" },
  "node-group": { form: /^1\.\d{2}\.\d+-\d{8}$/, example: "1.35.0-20261101" },
  "node-pool": { form: /^1\.\d{2}\.\d+-gke\.\d+$/, example: "1.35.1-gke.1396000" },
  "compute-class": undefined,
  unmanaged: undefined,
};

function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

/** Nodes may not be newer than the control plane, nor more than three minors older. */
function skew(path: readonly (string | number)[], value: string, version: string): ConfigProblem[] {
  const behind = minorOf(version) - minorOf(value);
  if (behind >= 0 && behind <= KUBELET_SKEW) return [];
  return [
    problem(
      [...path],
      value,
      behind < 0
        ? `nodes of ${value} are newer than the control plane of ${version}`
        : `nodes of ${value} are ${behind} minors behind the control plane of ${version}; ${KUBELET_SKEW} are allowed`,
      behind < 0 ? "upgrade cloud.cluster.version first" : "upgrade the nodes before the control plane",
    ),
  ];
}

function releaseFits(
  pool: Pool,
  { release }: Generation,
  path: readonly (string | number)[],
): ConfigProblem[] {
  if (release === undefined) return [];
  const known = RELEASES[pool.provisioner];
  if (known?.form.test(release) === true) return [];
  return [
    problem(
      [...path, "release"],
      release,
      known === undefined
        ? `nobody can pin the release of a pool with provisioner '${pool.provisioner}'`
        : `'${release}' is no release of a pool with provisioner '${pool.provisioner}'`,
      known === undefined ? "leave release out" : `write one such as ${known.example}`,
    ),
  ];
}

function generationsFit(pool: Pool, index: number, { provider }: PlatformConfig["cloud"]): ConfigProblem[] {
  const path = ["gpuPools", index, "generations"];
  const found = duplicates(
    path,
    pool.generations.map(({ name }) => name),
  );
  if (!pool.generations.some(({ state }) => state === "serving"))
    found.push(
      problem(
        path,
        pool.generations,
        "no generation serves, so no model could start",
        "set one to state: serving",
      ),
    );
  const managed = provider === "existing" || RELEASES[pool.provisioner] === undefined;
  if (
    managed &&
    (pool.generations.length > 1 || !pool.generations.every(({ name }) => name === ORIGINAL_GENERATION))
  )
    found.push(
      problem(
        path,
        pool.generations,
        `a pool with provisioner '${pool.provisioner}' has its original generation only`,
        "let GKE or the owner of the cluster exchange the nodes, or use a provisioner of this stack: docs/upgrade.md",
      ),
    );
  return found;
}

function poolChecks({ gpuPools, cloud }: PlatformConfig): ConfigProblem[] {
  return gpuPools.flatMap((pool, index) => [
    ...generationsFit(pool, index, cloud),
    ...pool.generations.flatMap((generation, at) => {
      const path = ["gpuPools", index, "generations", at];
      const wrong = releaseFits(pool, generation, path);
      if (wrong.length > 0 || generation.release === undefined || cloud.provider !== "aws") return wrong;
      return pool.provisioner === "node-group"
        ? skew([...path, "release"], generation.release, cloud.cluster.version)
        : [];
    }),
  ]);
}

function systemNodes({ cloud }: PlatformConfig): ConfigProblem[] {
  if (cloud.provider !== "aws" || cloud.cluster.systemNodesVersion === undefined) return [];
  return skew(
    ["cloud", "cluster", "systemNodesVersion"],
    cloud.cluster.systemNodesVersion,
    cloud.cluster.version,
  );
}

/** Rules about versions of nodes and generations of pools. */
export const upgradeChecks: readonly Check[] = [
  { needs: ["cloud", "gpuPools"], run: poolChecks },
  { needs: ["cloud"], run: systemNodes },
];
