import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ApiServer } from "./api-server.ts";
import type { KubeObject } from "./kube-object.ts";
import { LoopbackService } from "./loopback-service.ts";
import { freePort } from "./processes.ts";
import type { ScrapeTarget } from "./prometheus.ts";

/** How fast the played engines are. */
export interface EngineSpeed {
  readonly maxNumSeqs: number;
  readonly tokenMs: number;
  /** Tokens of every answer. */
  readonly tokens: number;
}

/** Seconds an engine gets to end its calls after SIGTERM. */
const DRAIN_MS = 60_000;

const ENGINE = fileURLToPath(new URL("./engine-process.ts", import.meta.url));

/** A model whose pods are played by local engines. */
export interface ServedModel {
  readonly name: string;
  readonly namespace: string;
}

interface PlayedPod {
  readonly pod: string;
  readonly port: number;
  state: "starting" | "ready";
}

const POLL_MS = 250;

function isReady(pod: KubeObject): boolean {
  const { conditions = [] } = pod["status"] as { conditions?: { type: string; status: string }[] };
  return (
    pod.metadata.deletionTimestamp === undefined &&
    conditions.some(({ type, status }) => type === "Ready" && status === "True")
  );
}

/** Plays the ready pods of one model with one local engine each, a process of its own; engines of pods that go drain before they end. */
export class Engines {
  readonly #pods = new Map<string, PlayedPod>();
  readonly #stopping: Promise<void>[] = [];
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  readonly #service: LoopbackService;
  private readonly api: ApiServer;
  private readonly model: ServedModel;
  private readonly speed: EngineSpeed;
  private readonly onChange: () => void;

  private constructor(
    service: LoopbackService,
    api: ApiServer,
    model: ServedModel,
    speed: EngineSpeed,
    onChange: () => void,
  ) {
    this.#service = service;
    this.api = api;
    this.model = model;
    this.speed = speed;
    this.onChange = onChange;
  }

  /** Follows the pods of a model from now on; `onChange` is called when the targets to scrape change. */
  static async follow(
    api: ApiServer,
    model: ServedModel,
    speed: EngineSpeed,
    onChange: () => void,
  ): Promise<Engines> {
    const engines = new Engines(await LoopbackService.create(), api, model, speed, onChange);
    engines.#loop = engines.#follow();
    return engines;
  }

  /** Address of the model, as its Service would have it. */
  get url(): string {
    return this.#service.url;
  }

  /** Ready replicas. */
  get ready(): number {
    return [...this.#pods.values()].filter(({ state }) => state === "ready").length;
  }

  /** What Prometheus scrapes. */
  targets(): ScrapeTarget[] {
    return [...this.#pods.values()]
      .filter(({ state }) => state === "ready")
      .map(({ pod, port }) => ({
        address: `127.0.0.1:${port}`,
        labels: { namespace: this.model.namespace, pod, engine: "0" },
      }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    this.#service.close();
    await Promise.all(this.#stopping);
    for (const pod of this.#pods.keys()) await this.api.processes.stop(`engine ${pod}`);
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      await this.#reconcile().catch((error: unknown) => {
        process.stderr.write(`engines of ${this.model.name}: ${String(error)}\n`);
      });
      await setTimeout(POLL_MS);
    }
  }

  async #reconcile(): Promise<void> {
    const selector = encodeURIComponent(`llmops.io/model=${this.model.name}`);
    const { status, body } = await this.api.send(
      "GET",
      `/api/v1/namespaces/${this.model.namespace}/pods?labelSelector=${selector}`,
    );
    if (status !== 200) return;
    const wanted = new Set(
      (body["items"] as KubeObject[]).filter(isReady).map(({ metadata }) => metadata.name),
    );
    for (const pod of wanted) if (!this.#pods.has(pod)) void this.#start(pod);
    for (const played of [...this.#pods.values()]) if (!wanted.has(played.pod)) this.#leave(played);
  }

  async #start(pod: string): Promise<void> {
    const played: PlayedPod = { pod, port: await freePort(), state: "starting" };
    if (this.#pods.has(pod)) return;
    this.#pods.set(pod, played);
    const { maxNumSeqs, tokenMs, tokens } = this.speed;
    const name = `engine ${pod}`;
    this.api.processes.start(name, {
      command: process.execPath,
      args: [
        ENGINE,
        this.model.name,
        `${played.port}`,
        `${tokenMs}`,
        `${DRAIN_MS}`,
        `${maxNumSeqs}`,
        `${tokens}`,
      ],
    });
    await this.api.processes.ready(name, async () => {
      const { status } = await fetch(`http://127.0.0.1:${played.port}/health`);
      return status === 200;
    });
    played.state = "ready";
    this.#route();
  }

  #leave(played: PlayedPod): void {
    this.#pods.delete(played.pod);
    this.#route();
    this.#stopping.push(this.#drain(played));
  }

  /** What preStop and a graceful end do: no new connections, the running ones end. */
  async #drain({ pod, port }: PlayedPod): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (!this.#isClosed && this.#service.connections(port) > 0 && Date.now() < deadline)
      await setTimeout(POLL_MS);
    await this.api.processes.stop(`engine ${pod}`);
  }

  #route(): void {
    const ready = [...this.#pods.values()].filter(({ state }) => state === "ready");
    this.#service.route(ready.map(({ port }) => port));
    this.onChange();
  }
}
