import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ApiServer } from "./api-server.ts";
import type { KubeObject } from "./kube-object.ts";
import { tokenOf } from "./kubeconfig.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const POLL_MS = 200;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly projected?: object;
}

interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
}

/** A container as a runtime starts it: its own command, or its image's entry point. */
export interface StartedContainer {
  readonly pod: string;
  readonly node: string;
  readonly image: string;
  /** Absent: the image's own entry point. */
  readonly command?: readonly string[];
  /** Paths of volumes stand for the folders they are here. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a container's program and returns its exit status. */
export type RunContainer = (container: StartedContainer) => Promise<number>;

/** Volumes and variables of a pod as files and text. */
interface Environment {
  readonly kind: "complete";
  readonly folders: ReadonlyMap<string, string>;
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** An object that volumes or variables come from is not there, and no kubelet starts the pod. */
interface Missing {
  readonly kind: "missing";
  readonly object: string;
}

function decoded(data: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries((data ?? {}) as Record<string, string>).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString("utf8"),
    ]),
  );
}

/**
 * Plays the kubelet for pods that run to their end, of one namespace: mounts what they ask for, runs the program of their main
 * container, reports to Argo Workflows with the executor's own token where the pod has an executor, and writes the pod's status.
 */
export class PlayedPods {
  /** What was started, in order. */
  readonly started: StartedContainer[] = [];
  /** Pods that cannot start, with the object that is missing. */
  readonly waiting = new Map<string, string>();
  readonly #seen = new Set<string>();
  readonly #running: Promise<void>[] = [];
  readonly #api: ApiServer;
  readonly #namespace: string;
  readonly #run: RunContainer;
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(api: ApiServer, namespace: string, run: RunContainer) {
    this.#api = api;
    this.#namespace = namespace;
    this.#run = run;
  }

  /** Follows the pods of a namespace whose owner is of one of the kinds. */
  static follow(api: ApiServer, namespace: string, owners: readonly string[], run: RunContainer): PlayedPods {
    const pods = new PlayedPods(api, namespace, run);
    pods.#loop = pods.#follow(owners);
    return pods;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #follow(owners: readonly string[]): Promise<void> {
    while (!this.#isClosed) {
      const { status, body } = await this.#api.send("GET", `/api/v1/namespaces/${this.#namespace}/pods`);
      const pods = status === 200 ? (body["items"] as KubeObject[]) : [];
      for (const pod of pods) {
        const references = (pod.metadata as { ownerReferences?: { kind: string }[] }).ownerReferences ?? [];
        if (!references.some(({ kind }) => owners.includes(kind))) continue;
        if (this.#seen.has(pod.metadata.name) || (pod["spec"] as PodSpec).nodeName === undefined) continue;
        const environment = await this.#environment(pod);
        if (environment.kind === "missing") {
          this.waiting.set(pod.metadata.name, environment.object);
          continue;
        }
        this.waiting.delete(pod.metadata.name);
        this.#seen.add(pod.metadata.name);
        this.#running.push(
          this.#play(pod, environment).catch((error: unknown) => {
            process.stderr.write(`${pod.metadata.name}: ${String(error)}\n`);
          }),
        );
      }
      await setTimeout(POLL_MS);
    }
  }

  async #data(kind: "configmaps" | "secrets", name: string): Promise<Record<string, string> | undefined> {
    const { status, body } = await this.#api.send(
      "GET",
      `/api/v1/namespaces/${this.#namespace}/${kind}/${name}`,
    );
    if (status !== 200) return undefined;
    return kind === "secrets" ? decoded(body["data"]) : ((body["data"] ?? {}) as Record<string, string>);
  }

  async #environment(pod: KubeObject): Promise<Environment | Missing> {
    const { volumes = [], containers, serviceAccountName = "default" } = pod["spec"] as PodSpec;
    const folders = new Map<string, string>();
    for (const volume of volumes) {
      const folder = join(this.#api.folder, "pods", pod.metadata.name, volume.name);
      mkdirSync(folder, { recursive: true });
      folders.set(volume.name, folder);
      let files: Record<string, string> | undefined = {};
      if (volume.configMap !== undefined) files = await this.#data("configmaps", volume.configMap.name);
      if (volume.secret !== undefined) files = await this.#data("secrets", volume.secret.secretName);
      if (volume.projected !== undefined)
        files = {
          token: await tokenOf(this.#api, { namespace: this.#namespace, name: serviceAccountName }),
          "ca.crt": readFileSync(this.#api.authority, "utf8"),
        };
      if (files === undefined)
        return { kind: "missing", object: volume.configMap?.name ?? volume.secret?.secretName ?? "" };
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    }
    const secrets = new Map<string, Readonly<Record<string, string>>>();
    for (const { valueFrom } of containers.flatMap(({ env = [] }) => env)) {
      const name = valueFrom?.secretKeyRef?.name;
      if (name === undefined) continue;
      const data = await this.#data("secrets", name);
      if (data === undefined) return { kind: "missing", object: name };
      secrets.set(name, data);
    }
    return { kind: "complete", folders, secrets };
  }

  async #play(pod: KubeObject, { folders, secrets }: Environment): Promise<void> {
    const spec = pod["spec"] as PodSpec;
    const main = spec.containers.find(({ name }) => name !== "wait");
    if (main === undefined) throw new Error("no container but the executor's");
    const here = (text: string): string =>
      (main.volumeMounts ?? []).reduce(
        (path, { name, mountPath }) => path.replaceAll(mountPath, folders.get(name) ?? mountPath),
        text,
      );
    // The executor starts the command that stands behind its own.
    const wrapped = main.command?.indexOf("--") ?? -1;
    const container: StartedContainer = {
      pod: pod.metadata.name,
      node: spec.nodeName ?? "",
      image: main.image,
      ...(main.command === undefined ? {} : { command: main.command.slice(wrapped + 1) }),
      args: (main.args ?? []).map(here),
      env: Object.fromEntries(
        (main.env ?? []).map(({ name, value, valueFrom }) => {
          const { name: secret = "", key = "" } = valueFrom?.secretKeyRef ?? {};
          return [name, here(value ?? secrets.get(secret)?.[key] ?? "")];
        }),
      ),
    };
    await this.#status(pod, "Running", { running: {} });
    this.started.push(container);
    const exitCode = await this.#run(container);
    await this.#report(spec, folders);
    await this.#status(pod, exitCode === 0 ? "Succeeded" : "Failed", {
      terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error" },
    });
  }

  /** What Argo's executor tells the controller at the start and at the end of a step. */
  async #report(spec: PodSpec, folders: ReadonlyMap<string, string>): Promise<void> {
    const executor = spec.containers.find(({ name }) => name === "wait");
    if (executor === undefined) return;
    const account = executor.volumeMounts?.find(({ mountPath }) => mountPath.endsWith("/serviceaccount"));
    const token = readFileSync(join(folders.get(account?.name ?? "") ?? "", "token"), "utf8");
    const value = (wanted: string): string =>
      executor.env?.find(({ name }) => name === wanted)?.value ?? `no ${wanted}`;
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${this.#namespace}/workflowtaskresults`;
    const labels = (completed: "true" | "false"): object => ({
      "workflows.argoproj.io/workflow": value("ARGO_WORKFLOW_NAME"),
      "workflows.argoproj.io/report-outputs-completed": completed,
    });
    const name = value("ARGO_NODE_ID");
    const answers = [
      await this.#api.as(token)("POST", path, {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "WorkflowTaskResult",
        metadata: { name, labels: labels("false") },
      }),
      await this.#api.as(token)("PATCH", `${path}/${name}`, { metadata: { labels: labels("true") } }),
    ];
    for (const { status, body } of answers)
      if (status >= 300) throw new Error(`the executor may not report: ${status} ${body.message ?? ""}`);
  }

  async #status(pod: KubeObject, phase: "Running" | "Succeeded" | "Failed", state: object): Promise<void> {
    const { containers, initContainers = [] } = pod["spec"] as PodSpec;
    const done = { terminated: { exitCode: 0, reason: "Completed" } };
    const statusOf = ({ name, image }: Container, its: object): object => ({
      name,
      image,
      imageID: image,
      ready: phase === "Running",
      restartCount: 0,
      state: its,
    });
    const path = `/api/v1/namespaces/${this.#namespace}/pods/${pod.metadata.name}/status`;
    const { status, body } = await this.#api.send("PATCH", path, {
      status: {
        phase,
        initContainerStatuses: initContainers.map((each) => statusOf(each, done)),
        containerStatuses: containers.map((each) =>
          statusOf(each, each.name === "wait" && phase !== "Running" ? done : state),
        ),
      },
    });
    if (status >= 300 && status !== 404) throw new Error(`${status} ${body.message ?? ""}`);
  }
}

/** Entry point of `loops/Dockerfile`. */
export function loopsEntryPoint(): readonly string[] {
  const [, list = "[]"] =
    /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(ROOT, "loops", "Dockerfile"), "utf8")) ?? [];
  return JSON.parse(list) as string[];
}

/**
 * Runs a container of the image built from `loops/Dockerfile`: the same program with this machine's Node.
 * A command the image does not have ends with 127, as a shell says it.
 */
export async function runLoops(
  { processes }: Pick<ApiServer, "processes">,
  { pod, command = loopsEntryPoint(), args, env }: StartedContainer,
): Promise<number> {
  const [, script = ""] = loopsEntryPoint();
  if (JSON.stringify(command) !== JSON.stringify(loopsEntryPoint())) return 127;
  return processes.run(pod, {
    command: process.execPath,
    args: [script, ...args],
    env: { PATH: process.env["PATH"], ...env },
    cwd: ROOT,
  });
}
