import type { JsonObject } from "../api/endpoint.ts";
import { asObject, objectsIn } from "../api/endpoint.ts";
import type { Json } from "../guards/leaves.ts";

function text(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value.slice(0, 256) : null;
}

/** What an answer or the events of its stream say about themselves, in any of the supported formats; never content. */
export class AnswerFacts {
  id: string | null = null;
  model: string | null = null;
  readonly finishReasons: string[] = [];

  /** Looks at an answer or at one event of a stream. */
  read(json: JsonObject): void {
    const answer = asObject(json["response"]) ?? asObject(json["message"]) ?? json;
    this.id ??= text(answer["id"]);
    this.model ??= text(answer["model"]);
    const endings = [
      ...objectsIn(answer["choices"]).map((choice) => choice["finish_reason"]),
      answer["stop_reason"],
      asObject(json["delta"])?.["stop_reason"],
      answer["object"] === "response" && answer["status"] !== "in_progress" ? answer["status"] : undefined,
    ];
    for (const ending of endings) {
      const reason = text(ending);
      if (reason !== null) this.finishReasons.push(reason);
    }
  }
}
