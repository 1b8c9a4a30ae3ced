import { createHash, generateKeyPairSync } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { reportName } from "../../../components/delivery/gate.ts";
import { signReport, type EvaluationReport } from "../../../evals/report.ts";
import { PASSED_REPORT } from "../../../evals/testing/report.ts";
import { graphOf } from "../../../plan/stack-plan.ts";
import type { PlatformConfig } from "../../../stacks/schema/platform.ts";
import { readStack } from "../../../stacks/schema/stack-file.ts";
import { STACKS } from "../offline-plan.ts";
import type { ApiServer } from "./api-server.ts";
import { compressDelivery } from "./compressed-delivery.ts";
import { compressScaledObject } from "./compression.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Prometheus } from "./prometheus.ts";
import { objectsOf } from "./stack-objects.ts";
import { VersionMetrics, type Behaviour } from "./version-metrics.ts";

type Model = PlatformConfig["models"][number];

const POLL_MS = 200;
const HASH = "rollouts-pod-template-hash";
const keys = generateKeyPairSync("ed25519");
const SIGNER = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const SIGNER_PUBLIC = keys.publicKey.export({ type: "spki", format: "pem" }).toString();

/** A version of a model. */
export interface Version {
  /** One hex digit; the commit of its weights is 40 of them. */
  readonly digit: string;
  readonly behaviour: Behaviour;
  /** Its signed report: about it, about the commit of another digit, or nobody committed one. */
  readonly report: "own" | "missing" | { readonly about: string };
}

function commit(digit: string): string {
  return digit.repeat(40);
}

/** State of a delivery, as the controller writes it. */
export interface DeliveryState {
  readonly phase: string;
  readonly message: string;
  readonly isAborted: boolean;
  /** Replicas that are asked for. */
  readonly wanted: number;
  /** Digit of the version that counts as good. */
  readonly stable: string;
  /** Digit of the version the Service sends to; empty where it sends to every replica. */
  readonly active: string;
  /** Ready replicas by the digit of their version. */
  readonly ready: Readonly<Record<string, number>>;
}

/** Extremes since the last look. */
export interface Extremes {
  /** Fewest ready replicas behind the Service. */
  readonly leastServing: number;
  /** Most pods at one time, without those that end. */
  readonly mostPods: number;
}

interface Pod extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isReady({ metadata, status }: Pod): boolean {
  return (
    metadata.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
}

/** Digit of the version a pod runs: no other text of it repeats a digit 40 times. */
function digitOf(pod: KubeObject): string {
  return /(?<![0-9a-f])([0-9a-f])\1{39}(?![0-9a-f])/.exec(JSON.stringify(pod["spec"]))?.[1] ?? "?";
}

function holds(
  { ready, ...state }: DeliveryState,
  { ready: replicas = {}, ...expected }: Partial<DeliveryState>,
): boolean {
  return (
    Object.entries(expected).every(([key, value]) => state[key as keyof typeof state] === value) &&
    Object.entries(replicas).every(([digit, count]) => (ready[digit] ?? 0) === count)
  );
}

/** One model of a stack whose versions Argo Rollouts delivers; what its pods would measure is played. */
export class DeliveredModel {
  readonly namespace: string;
  readonly metrics: VersionMetrics;
  readonly #api: ApiServer;
  readonly #prometheus: Prometheus;
  readonly #stack: string;
  readonly #config: PlatformConfig;
  readonly #model: Model;
  readonly #behaviours = new Map<string, Behaviour>();
  readonly #versions = new Map<string, Promise<KubeObject[]>>();
  #extremes: Extremes | undefined;
  #isClosed = false;
  #loop: Promise<void> = Promise.resolve();

  private constructor(
    api: ApiServer,
    prometheus: Prometheus,
    stack: string,
    config: PlatformConfig,
    model: Model,
    metrics: VersionMetrics,
  ) {
    this.#api = api;
    this.#prometheus = prometheus;
    this.#stack = stack;
    this.#config = config;
    this.#model = model;
    this.metrics = metrics;
    this.namespace = model.tenant;
  }

  /**
   * Follows the first model of a shipped stack, with changes to how it is delivered.
   * @throws RangeError when the stack has none
   */
  static async follow(
    api: ApiServer,
    prometheus: Prometheus,
    stack: string,
    change: (delivery: Model["delivery"]) => Model["delivery"] = (delivery) => delivery,
  ): Promise<DeliveredModel> {
    const config = readStack(STACKS, stack);
    const [model] = config.models;
    if (model === undefined) throw new RangeError(`${stack} has no model`);
    const metrics = await VersionMetrics.start(model.name, model.tenant);
    const changed = { ...model, delivery: change(model.delivery) };
    const delivered = new DeliveredModel(api, prometheus, stack, config, changed, metrics);
    delivered.#loop = delivered.#follow();
    return delivered;
  }

  get name(): string {
    return this.#model.name;
  }

  /** Objects that deliver a version, in the order they are applied; the same each time. */
  objects(version: Version): Promise<KubeObject[]> {
    this.#behaviours.set(version.digit, version.behaviour);
    const name = JSON.stringify(version);
    const found = this.#versions.get(name) ?? this.#planned(version);
    this.#versions.set(name, found);
    return found;
  }

  /**
   * Applies a version as an update does: every object, one after the other.
   * @throws Error with the server's message
   */
  async deliver(
    version: Version,
    change: (object: KubeObject) => KubeObject = (object) => object,
  ): Promise<void> {
    if (version.report === "missing")
      await this.#api.send(
        "DELETE",
        `/api/v1/namespaces/${this.namespace}/configmaps/${reportName(this.name)}`,
      );
    for (const object of await this.objects(version)) {
      // Pulumi ignores the selector of a Service after it has made it, because the controller adds the colour.
      if (object.kind === "Service" && (await this.#isThere(object))) continue;
      await this.#api.mustApply(change(object));
    }
  }

  /**
   * Asks for a number of replicas, as an autoscaler does.
   * @throws Error with the server's message
   */
  async scale(replicas: number): Promise<void> {
    const rollouts = `/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/rollouts`;
    const { status, body } = await this.#api.send("PATCH", `${rollouts}/${this.name}/scale`, {
      spec: { replicas },
    });
    if (status !== 200) throw new Error(`scale: ${status} ${body.message ?? ""}`);
  }

  /**
   * Aborts the delivery in progress or tries an aborted one again, as `kubectl argo rollouts` does.
   * @throws Error with the server's message
   */
  async person(command: "abort" | "retry"): Promise<void> {
    const rollouts = `/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/rollouts`;
    const { status, body } = await this.#api.send("PATCH", `${rollouts}/${this.name}/status`, {
      status: { abort: command === "abort" },
    });
    if (status !== 200) throw new Error(`${command}: ${status} ${body.message ?? ""}`);
  }

  /** State of the delivery now. */
  async state(): Promise<DeliveryState> {
    const rollout = await this.#get(
      `/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}/rollouts/${this.name}`,
    );
    const {
      phase = "",
      message = "",
      abort = false,
      stableRS = "",
    } = (rollout["status"] ?? {}) as {
      phase?: string;
      message?: string;
      abort?: boolean;
      stableRS?: string;
    };
    const [pods, active] = [await this.pods(), await this.#activeHash()];
    const digits = new Map(pods.map((pod) => [pod.metadata.labels?.[HASH] ?? "", digitOf(pod)]));
    const ready: Record<string, number> = {};
    for (const pod of pods.filter(isReady)) ready[digitOf(pod)] = (ready[digitOf(pod)] ?? 0) + 1;
    return {
      phase,
      message,
      isAborted: abort,
      wanted: (rollout["spec"] as { replicas?: number }).replicas ?? 1,
      stable: digits.get(stableRS) ?? "",
      active: digits.get(active) ?? "",
      ready,
    };
  }

  /**
   * Waits until the state is as expected; of the versions' replicas, those that are named.
   * @throws Error with the last state when it does not become so
   */
  async until(expected: Partial<DeliveryState>, withinMs = 150_000): Promise<DeliveryState> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const state = await this.state();
      if (holds(state, expected)) return state;
      if (Date.now() > deadline)
        throw new Error(`wanted ${JSON.stringify(expected)}, still ${JSON.stringify(state)}`);
      await setTimeout(POLL_MS);
    }
  }

  /** Pods of the model. */
  async pods(): Promise<Pod[]> {
    const selector = encodeURIComponent(`llmops.io/model=${this.name}`);
    const body = await this.#get(`/api/v1/namespaces/${this.namespace}/pods?labelSelector=${selector}`);
    return body["items"] as Pod[];
  }

  /** Extremes since this was asked before. */
  extremes(): Extremes {
    const found = this.#extremes ?? { leastServing: 0, mostPods: 0 };
    this.#extremes = undefined;
    return found;
  }

  /** Measurements of an analysis of a version, by metric: each value with its verdict. */
  async measurements(digit: string): Promise<Record<string, string[]>> {
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${this.namespace}`;
    const { items: sets } = (await this.#get(
      `/apis/apps/v1/namespaces/${this.namespace}/replicasets`,
    )) as unknown as {
      items: KubeObject[];
    };
    const hashes = sets
      .filter((set) => digitOf({ ...set, spec: (set["spec"] as { template: object }).template }) === digit)
      .map(({ metadata }) => metadata.labels?.[HASH]);
    const { items } = (await this.#get(`${path}/analysisruns`)) as unknown as {
      items: (KubeObject & {
        status?: { metricResults?: { name: string; measurements?: { value?: string; phase: string }[] }[] };
      })[];
    };
    const found: Record<string, string[]> = {};
    for (const { metadata, status } of items) {
      if (!hashes.includes(metadata.labels?.[HASH])) continue;
      for (const { name, measurements = [] } of status?.metricResults ?? [])
        (found[name] ??= []).push(...measurements.map(({ value = "", phase }) => `${value} ${phase}`.trim()));
    }
    return found;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop;
    this.metrics.close();
  }

  async #planned(version: Version): Promise<KubeObject[]> {
    const { delivery, source } = this.#model;
    if (delivery.strategy === "rolling" || delivery.evaluation === undefined || source.kind !== "hub")
      throw new RangeError(`${this.name} is not delivered in steps from a hub`);
    const about = typeof version.report === "object" ? version.report.about : version.digit;
    const { prompt, guardrails, dataSets } = delivery.evaluation;
    const evaluated = { model: `gitCommit:${commit(about)}`, prompt, guardrails, dataSets };
    const report = JSON.stringify(signReport(this.#report(evaluated), SIGNER));
    const changed: Model = {
      ...this.#model,
      source: { ...source, revision: commit(version.digit) },
      delivery: {
        ...delivery,
        evaluation: {
          ...delivery.evaluation,
          report: `sha256:${createHash("sha256").update(report).digest("hex")}`,
          model: `gitCommit:${commit(version.digit)}`,
        },
      },
    };
    const [, ...others] = this.#config.models;
    const graph = await graphOf(this.#stack, {
      ...this.#config,
      models: [changed, ...others],
      evaluation: { ...this.#config.evaluation, signer: SIGNER_PUBLIC },
    });
    const committed: KubeObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: reportName(this.name), namespace: this.namespace },
      data: { "report.json": report },
    };
    const shipped = objectsOf(graph).filter((object) => this.#isOwn(object, others));
    const first = shipped.findIndex(({ kind }) => kind === "AnalysisTemplate");
    return (version.report === "missing" ? shipped : shipped.toSpliced(first, 0, committed)).map((object) =>
      this.#compressed(object),
    );
  }

  /** Replicas of this model and everything of its namespace; policies of admission hold for it too. */
  #isOwn({ kind, metadata }: KubeObject, others: readonly Model[]): boolean {
    if (kind === "Namespace") return [this.namespace, "argo-rollouts"].includes(metadata.name);
    if (kind.startsWith("ValidatingAdmissionPolicy")) return true;
    return (
      metadata.namespace === this.namespace && !others.some(({ name }) => metadata.name.startsWith(name))
    );
  }

  #compressed(object: KubeObject): KubeObject {
    switch (object.kind) {
      case "ScaledObject":
        return compressScaledObject(object, this.#prometheus.url);
      case "Rollout":
      case "AnalysisTemplate":
        return compressDelivery(object, this.#prometheus.url);
      default:
        return object;
    }
  }

  #report(evaluated: EvaluationReport["evaluated"]): EvaluationReport {
    return {
      ...PASSED_REPORT,
      stack: this.#stack,
      environment: this.#config.environment,
      model: this.name,
      evaluated,
      finishedAt: new Date().toISOString(),
    };
  }

  async #get(path: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.#api.send("GET", path);
    if (status !== 200) throw new Error(`${path}: ${status} ${body.message ?? ""}`);
    return body;
  }

  async #isThere(object: KubeObject): Promise<boolean> {
    return (await this.#api.send("GET", (await this.#api.pathOf(object)) ?? "")).status === 200;
  }

  async #activeHash(): Promise<string> {
    const { spec } = (await this.#get(`/api/v1/namespaces/${this.namespace}/services/${this.name}`)) as {
      spec: { selector: Record<string, string> };
    };
    return spec.selector[HASH] ?? "";
  }

  async #follow(): Promise<void> {
    this.#prometheus.scrape([this.metrics.target]);
    while (!this.#isClosed) {
      try {
        const active = await this.#activeHash();
        const pods = (await this.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        const serving = pods
          .filter(isReady)
          .filter(({ metadata }) => active === "" || metadata.labels?.[HASH] === active);
        const { leastServing, mostPods } = this.#extremes ?? {
          leastServing: serving.length,
          mostPods: pods.length,
        };
        this.#extremes = {
          leastServing: Math.min(leastServing, serving.length),
          mostPods: Math.max(mostPods, pods.length),
        };
        this.metrics.serve(
          pods.filter(isReady).map((pod) => ({
            name: pod.metadata.name,
            behaviour: this.#behaviours.get(digitOf(pod)) ?? "unmeasured",
          })),
        );
      } catch {
        // Before the first version there is no Service.
      }
      await setTimeout(POLL_MS);
    }
  }
}
