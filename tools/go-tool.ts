import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { makeOnce } from "./make-once.ts";

/** Programs that are built from a Go module pinned in this folder. */
export interface GoTool {
  readonly name: string;
  /** Folder below `tools/` with the `go.mod` and `go.sum` that pin it. */
  readonly folder: "." | "otelcol";
  /** Packages to build; each program is called as the last part of its package that is no version. */
  readonly packages: readonly string[];
  readonly version: string;
  /** Linker flags. */
  readonly ldflags: string;
}

/** The Pulumi engine; the version must be set by the linker or the Automation API refuses the binary. */
export const PULUMI: GoTool = {
  name: "pulumi",
  folder: ".",
  packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
  version: "v3.259.0",
  ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
};

/** A Cloud Storage that runs here. */
export const FAKE_GCS: GoTool = {
  name: "fake-gcs",
  folder: ".",
  packages: ["github.com/fsouza/fake-gcs-server"],
  version: "v1.56.1",
  ldflags: "-s -w",
};

/** Sends requests at a constant rate. */
export const VEGETA: GoTool = {
  name: "vegeta",
  folder: ".",
  packages: ["github.com/tsenart/vegeta/v12"],
  version: "v12.13.0",
  ldflags: "-s -w",
};

/** The control plane of Kubernetes; the version must be set by the linker or it calls itself v0.0.0. */
export const KUBERNETES: GoTool = {
  name: "kubernetes",
  folder: ".",
  packages: [
    "k8s.io/kubernetes/cmd/kube-apiserver",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "k8s.io/kubernetes/cmd/kube-scheduler",
    "k8s.io/kubernetes/cmd/kubectl",
  ],
  version: "v1.35.4",
  ldflags:
    "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35",
};

/**
 * Store of the Kubernetes API server, at the version kubeadm 1.35 brings. Debian's 3.4.23 lacks the progress notices that watches
 * without a version need, and Argo Workflows watches so: it saw each change only when it listed again, up to half a minute later.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.35.4/cmd/kubeadm/app/constants/constants.go
 */
export const ETCD: GoTool = {
  name: "etcd",
  folder: ".",
  packages: ["go.etcd.io/etcd/server/v3"],
  version: "v3.6.6",
  ldflags: "-s -w",
};

/** Scales on events and metrics: its controller and its metrics API. */
export const KEDA: GoTool = {
  name: "keda",
  folder: ".",
  packages: ["github.com/kedacore/keda/v2/cmd/operator", "github.com/kedacore/keda/v2/cmd/adapter"],
  version: "v2.20.2",
  ldflags: "-s -w",
};

/** Plays the kubelets of nodes that are not there. */
export const KWOK: GoTool = {
  name: "kwok",
  folder: ".",
  packages: ["sigs.k8s.io/kwok/cmd/kwok"],
  version: "v0.8.0",
  ldflags: "-s -w",
};

/** Creates nodes for pods that wait; this program of its module creates them in a simulated cloud. */
export const KARPENTER: GoTool = {
  name: "karpenter",
  folder: ".",
  packages: ["sigs.k8s.io/karpenter/kwok"],
  version: "v1.14.1",
  ldflags: "-s -w",
};

/** Controller of blue-green and canary rollouts. */
export const ARGO_ROLLOUTS: GoTool = {
  name: "argo-rollouts",
  folder: ".",
  packages: ["github.com/argoproj/argo-rollouts/cmd/rollouts-controller"],
  version: "v1.9.1",
  ldflags: "-s -w",
};

/** Controller of workflows; the newest version the Go module proxy hands out, one minor before that of the chart. */
export const ARGO_WORKFLOWS: GoTool = {
  name: "argo-workflows",
  folder: ".",
  packages: ["github.com/argoproj/argo-workflows/v4/cmd/workflow-controller"],
  version: "v4.0.5",
  ldflags: "-s -w",
};

/** Answers as vLLM does, with its metrics, without a GPU. */
export const INFERENCE_SIM: GoTool = {
  name: "llm-d-inference-sim",
  folder: ".",
  packages: ["github.com/llm-d/llm-d-inference-sim/cmd/llm-d-inference-sim"],
  version: "v0.10.2",
  ldflags: "-s -w",
};

/**
 * Tools that others publish. One `go.mod` pins them all, so each package they share is compiled once, at the newest version one of
 * them asks for: half the packages, and half the time, of a list for each.
 */
export const UPSTREAM_TOOLS: readonly GoTool[] = [
  PULUMI,
  KUBERNETES,
  ETCD,
  KEDA,
  KWOK,
  KARPENTER,
  ARGO_ROLLOUTS,
  ARGO_WORKFLOWS,
  INFERENCE_SIM,
  FAKE_GCS,
  VEGETA,
];

/**
 * The OpenTelemetry Collector with the components the collectors use, at the version of their image; its own list of modules,
 * because it needs an older OpenTelemetry log API than Pulumi.
 */
export const OTELCOL: GoTool = {
  name: "otelcol",
  folder: "otelcol",
  packages: ["github.com/llmops-blueprint/tools/otelcol"],
  version: "v0.158.0",
  ldflags: "-s -w",
};

/** Every Go tool, the ones most suites need first. */
export const GO_TOOLS: readonly GoTool[] = [...UPSTREAM_TOOLS, OTELCOL];

/** A tool cannot be built. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

function moduleFolder(tool: GoTool): string {
  return join(import.meta.dirname, tool.folder);
}

/**
 * Flags of the build. The tag keeps methods of the Kubernetes API's types that Argo Workflows calls, until its module moves past
 * 1.34; without debug information, which the linker would drop, compiling takes an eighth less.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.35.4/staging/src/k8s.io/api/core/v1/generated.protomessage.pb.go
 */
function flags({ ldflags }: GoTool): readonly string[] {
  return [
    "-trimpath",
    "-tags=kubernetes_protomessage_one_more_release",
    "-gcflags=all=-dwarf=false",
    `-ldflags=${ldflags}`,
  ];
}

/** Where a built tool is kept: outside the project, one folder per version and module lock. */
export function toolFolder(tool: GoTool): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const lock = createHash("sha256")
    .update(readFileSync(join(moduleFolder(tool), "go.mod")))
    .update(readFileSync(join(moduleFolder(tool), "go.sum")))
    .update(flags(tool).join(" "))
    .digest("hex")
    .slice(0, 12);
  return join(cache, "llmops-blueprint", "tools", `${tool.name}-${tool.version}-${lock}`);
}

/** Names of a tool's programs. */
export function programs({ packages }: GoTool): string[] {
  return packages.map(
    (each) =>
      each
        .replace(/\/v\d+$/, "")
        .split("/")
        .at(-1) ?? each,
  );
}

/** Major, minor and patch number. */
function versionParts(version: string): readonly number[] | undefined {
  const parts = /^(?:go)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  return parts?.slice(1).map((part: string | undefined) => Number(part ?? 0));
}

/**
 * Why a Go toolchain cannot build a module, or `undefined` when it can. A version nobody can read is too old.
 * @param found output of `go env GOVERSION`, for example `go1.26.8`
 * @param required `go` directive of the module, for example `1.26`
 */
export function goProblem(found: string, required: string): string | undefined {
  const [have, need] = [versionParts(found), versionParts(required)];
  if (have !== undefined && need !== undefined) {
    const differing = have.findIndex((part, index) => part !== need[index]);
    if (differing === -1 || (have[differing] ?? 0) > (need[differing] ?? 0)) return undefined;
  }
  return `Go ${required} or later is needed, found ${found === "" ? "none" : found}`;
}

function requireGo(tool: GoTool): void {
  const required = /^go (\S+)$/m.exec(readFileSync(join(moduleFolder(tool), "go.mod"), "utf8"))?.[1] ?? "";
  const { error, stdout } = spawnSync("go", ["env", "GOVERSION"], {
    cwd: moduleFolder(tool),
    encoding: "utf8",
  });
  const problem = goProblem(error === undefined ? stdout.trim() : "", required);
  if (problem !== undefined)
    throw new ToolError(
      `${problem}: ${tool.name} ${tool.version} is built from its Go module. Install Go from https://go.dev/dl`,
    );
}

function build(tool: GoTool, folder: string, progress: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const beat = setInterval(() => {
      progress(`building ${tool.name} ${tool.version}: ${Math.round((Date.now() - started) / 1000)} s`);
    }, 15_000);
    const args = ["build", ...flags(tool), "-o", `${folder}/`, ...tool.packages];
    const child = spawn("go", args, { cwd: moduleFolder(tool), stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (block: Buffer) => {
      complaint = `${complaint}${block.toString()}`.slice(-4000);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(beat);
      if (code === 0) resolve();
      else reject(new ToolError(`go build of ${tool.packages.join(" ")} ended with ${code}:\n${complaint}`));
    });
  });
}

/**
 * Path of a tool's folder with its programs in `bin`, built first where one is missing (minutes); whoever asks for the same
 * meanwhile waits.
 * @throws ToolError when Go is missing or too old, or the build fails
 */
export async function ensureTool(tool: GoTool, progress: (text: string) => void): Promise<string> {
  const folder = toolFolder(tool);
  const names = programs(tool);
  const isBuilt = (): boolean => names.every((name) => existsSync(join(folder, "bin", name)));
  if (isBuilt()) return folder;
  requireGo(tool);
  mkdirSync(dirname(folder), { recursive: true });
  await makeOnce(`${folder}.lock`, isBuilt, async () => {
    const scratch = mkdtempSync(`${folder}-`);
    try {
      progress(`building ${tool.name} ${tool.version} from its Go module (minutes, once) ...`);
      await build(tool, scratch, progress);
      mkdirSync(join(folder, "bin"), { recursive: true });
      for (const name of names) renameSync(join(scratch, name), join(folder, "bin", name));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
  return folder;
}
