import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ApiServer } from "./api-server.ts";
import type { ClusterDns } from "./cluster-dns.ts";
import { engineAddress } from "./engine-address.ts";
import type { KubeObject } from "./kube-object.ts";
import { freePort } from "./processes.ts";
import type { ScrapeTarget } from "./prometheus.ts";

/** How fast the played engines are. */
export interface EngineSpeed {
  readonly maxNumSeqs: number;
  readonly tokenMs: number;
  /** Tokens of every answer. */
  readonly tokens: number;
}

/** Milliseconds an engine gets to end its calls after SIGTERM. */
const DRAIN_MS = 60_000;

const ENGINE = fileURLToPath(new URL("./engine-process.ts", import.meta.url));

/** A model whose pods are played by local engines. */
export interface ServedModel {
  readonly name: string;
  readonly namespace: string;
}

/** Where the pods of a model are played, and how they end. */
export interface EnginesArgs {
  readonly model: ServedModel;
  readonly speed: EngineSpeed;
  /** Milliseconds from the binding of a pod until it serves; kwok's own delays are up to half longer than asked for. */
  readonly startMs: number;
  /** Milliseconds between leaving the endpoints and SIGTERM. */
  readonly preStopMs: number;
  /** Called when the targets to scrape change. */
  readonly onChange: () => void;
}

interface PlayedPod {
  readonly pod: string;
  readonly address: string;
  state: "starting" | "ready";
}

const POLL_MS = 250;

function isBound({ metadata, spec }: KubeObject): boolean {
  return metadata.deletionTimestamp === undefined && (spec as { nodeName?: string }).nodeName !== undefined;
}

/**
 * Plays the pods of one model with one local engine each, a process and an address of its own: started when the pod is bound,
 * in the name server when its time to start has passed, drained before it ends.
 */
export class Engines {
  readonly #pods = new Map<string, PlayedPod>();
  readonly #stopping: Promise<void>[] = [];
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  private readonly api: ApiServer;
  private readonly dns: ClusterDns;
  private readonly port: number;
  private readonly args: EnginesArgs;

  private constructor(api: ApiServer, dns: ClusterDns, port: number, args: EnginesArgs) {
    this.api = api;
    this.dns = dns;
    this.port = port;
    this.args = args;
  }

  /** Follows the pods of a model from now on. */
  static async follow(api: ApiServer, dns: ClusterDns, args: EnginesArgs): Promise<Engines> {
    const engines = new Engines(api, dns, await freePort(), args);
    engines.#loop = engines.#follow();
    return engines;
  }

  /** Address of the model, as its headless Service has it. */
  get url(): string {
    return `http://${this.#host}:${this.port}`;
  }

  /** Ready replicas. */
  get ready(): number {
    return this.#serving.length;
  }

  get #serving(): PlayedPod[] {
    return [...this.#pods.values()].filter(({ state }) => state === "ready");
  }

  get #host(): string {
    const { name, namespace } = this.args.model;
    return `${name}.${namespace}.svc.cluster.local`;
  }

  /** What Prometheus scrapes. */
  targets(): ScrapeTarget[] {
    return this.#serving.map(({ pod, address }) => ({
      address: `${address}:${this.port}`,
      labels: { namespace: this.args.model.namespace, pod, engine: "0" },
    }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    await Promise.all(this.#stopping);
    for (const pod of this.#pods.keys()) await this.api.processes.stop(`engine ${pod}`, "SIGKILL");
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      await this.#reconcile().catch((error: unknown) => {
        process.stderr.write(`engines of ${this.args.model.name}: ${String(error)}\n`);
      });
      await setTimeout(POLL_MS);
    }
  }

  async #reconcile(): Promise<void> {
    const { name, namespace } = this.args.model;
    const selector = encodeURIComponent(`llmops.io/model=${name}`);
    const { status, body } = await this.api.send(
      "GET",
      `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`,
    );
    if (status !== 200) return;
    const bound = new Set(
      (body["items"] as KubeObject[]).filter(isBound).map(({ metadata }) => metadata.name),
    );
    for (const pod of bound) if (!this.#pods.has(pod)) void this.#start(pod);
    for (const played of [...this.#pods.values()]) if (!bound.has(played.pod)) this.#leave(played);
  }

  async #start(pod: string): Promise<void> {
    const played: PlayedPod = { pod, address: engineAddress(), state: "starting" };
    this.#pods.set(pod, played);
    const { model, speed, startMs } = this.args;
    const started = setTimeout(startMs);
    const name = `engine ${pod}`;
    this.api.processes.start(name, {
      command: process.execPath,
      args: [
        ENGINE,
        model.name,
        played.address,
        `${this.port}`,
        `${speed.tokenMs}`,
        `${DRAIN_MS}`,
        `${speed.maxNumSeqs}`,
        `${speed.tokens}`,
      ],
    });
    await this.api.processes.ready(name, async () => {
      const { status } = await fetch(`http://${played.address}:${this.port}/health`);
      return status === 200;
    });
    await started;
    played.state = "ready";
    this.#changed();
  }

  #leave(played: PlayedPod): void {
    this.#pods.delete(played.pod);
    this.#changed();
    this.#stopping.push(this.#drain(`engine ${played.pod}`));
  }

  /** What the kubelet does: preStop, SIGTERM, and the process ends by itself within its grace. */
  async #drain(engine: string): Promise<void> {
    await setTimeout(this.args.preStopMs);
    const deadline = Date.now() + DRAIN_MS;
    this.api.processes.signal(engine, "SIGTERM");
    while (!this.#isClosed && this.api.processes.isRunning(engine) && Date.now() < deadline)
      await setTimeout(POLL_MS);
    await this.api.processes.stop(engine, "SIGKILL");
  }

  #changed(): void {
    this.dns.show(
      this.#host,
      this.#serving.map(({ address }) => address),
    );
    this.args.onChange();
  }
}
