import { z } from "zod";
import type { LoopName, LoopRule, LoopsConfig } from "./config.ts";
import { decide, type AskingAlert } from "./decision.ts";
import type { EvidenceLog, LoopEvent, LoopRecord } from "./evidence.ts";
import { countSamples } from "./samples.ts";
import { stopWorkflow, submitWorkflow } from "./workflows.ts";

const notification = z.object({
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: z.record(z.string(), z.string()),
        fingerprint: z.string().min(1),
        startsAt: z.string().min(1),
      }),
    )
    .min(1),
});

type Alert = z.output<typeof notification>["alerts"][number];

/** The body is not what Alertmanager sends. */
export class NotificationError extends Error {
  override readonly name = "NotificationError";
}

function loopOf({ labels }: Alert): LoopName | undefined {
  const { action } = labels;
  return action === "retrain" || action === "rollback" ? action : undefined;
}

/** The model the alert names, or every model of the loop when it names none. */
function modelsOf({ labels }: Alert, { models }: LoopRule): string[] {
  const named = labels["model"];
  return named === undefined ? models.map(({ name }) => name) : [named];
}

/** Decides about alerts, records every decision and carries out what is decided, one after the other. */
export class Controller {
  readonly #config: LoopsConfig;
  readonly #evidence: EvidenceLog;
  readonly #now: () => Date;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(config: LoopsConfig, evidence: EvidenceLog, now: () => Date = () => new Date()) {
    this.#config = config;
    this.#evidence = evidence;
    this.#now = now;
  }

  /**
   * Takes a notification of Alertmanager and returns what was recorded about it.
   * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
   * @throws NotificationError when it is none
   */
  async take(body: unknown): Promise<readonly LoopRecord[]> {
    const parsed = notification.safeParse(body);
    if (!parsed.success) throw new NotificationError(z.prettifyError(parsed.error));
    const { alerts } = parsed.data;
    // Two notifications at once would both pass the same cooldown.
    const mine = this.#turn.then(() => this.#all(alerts));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #all(alerts: readonly Alert[]): Promise<LoopRecord[]> {
    const records: LoopRecord[] = [];
    for (const alert of alerts) {
      const loop = loopOf(alert);
      const rule = loop === undefined ? undefined : this.#config.loops[loop];
      if (loop === undefined || rule === undefined) continue;
      for (const model of modelsOf(alert, rule)) records.push(...(await this.#one(loop, rule, model, alert)));
    }
    return records;
  }

  async #one(loop: LoopName, rule: LoopRule, model: string, alert: Alert): Promise<LoopRecord[]> {
    const asking: AskingAlert = {
      loop,
      model,
      alert: alert.labels["alertname"] ?? "unnamed",
      fingerprint: alert.fingerprint,
      startsAt: alert.startsAt,
    };
    const note = (event: LoopEvent["event"], detail: LoopEvent["detail"] = {}): LoopRecord =>
      this.#evidence.append({ ...asking, event, detail }, this.#now());
    const target = rule.models.find(({ name }) => name === model);
    if (target === undefined) return [note("not-covered")];
    if (alert.status === "resolved") return this.#resolved(asking, note);
    const samples = await countSamples(this.#config.prometheusUrl, rule.samplesQuery, model);
    const { kind, ...detail } = decide(asking, {
      rule,
      mode: this.#config.mode,
      samples,
      past: this.#evidence.actions,
      now: this.#now(),
    });
    const counted = samples.kind === "counted" ? { samples: samples.count } : {};
    // The record is durable before anything changes.
    const decided = note(kind, { ...counted, ...detail });
    if (kind !== "act") return [decided];
    return [
      decided,
      await this.#outcome(note, "submitted", () =>
        submitWorkflow(this.#config.kubernetes, asking, {
          template: rule.template,
          namespace: target.namespace,
        }),
      ),
    ];
  }

  async #resolved(
    asking: AskingAlert,
    note: (event: LoopEvent["event"], detail?: LoopEvent["detail"]) => LoopRecord,
  ): Promise<LoopRecord[]> {
    const resolved = note("resolved");
    const hasActed = this.#evidence.actions.some(
      (each) =>
        each.loop === asking.loop &&
        each.model === asking.model &&
        each.fingerprint === asking.fingerprint &&
        each.startsAt === asking.startsAt,
    );
    if (!hasActed) return [resolved];
    return [
      resolved,
      await this.#outcome(note, "stopped", () => stopWorkflow(this.#config.kubernetes, asking)),
    ];
  }

  async #outcome(
    note: (event: LoopEvent["event"], detail?: LoopEvent["detail"]) => LoopRecord,
    event: "submitted" | "stopped",
    run: () => Promise<string>,
  ): Promise<LoopRecord> {
    try {
      return note(event, { workflow: await run() });
    } catch (error) {
      return note("failed", { error: error instanceof Error ? error.message : String(error) });
    }
  }
}
