import { request } from "undici";
import { z } from "zod";

const erasedSchema = z.object({ subject: z.string(), keys: z.array(z.string()) });
const ticketSchema = z.object({
  id: z.string(),
  requestedAt: z.string(),
  client: z.string(),
  model: z.string(),
  side: z.string(),
  guards: z.array(z.string()),
  state: z.string(),
});
const brakesSchema = z.object({
  brakes: z.array(z.looseObject({ kind: z.enum(["stop", "throttle"]), scope: z.string().optional() })),
});
const errorSchema = z.object({ error: z.object({ message: z.string() }) });

/** A request for review as the administration interface shows it. */
export type ReviewSummary = z.output<typeof ticketSchema>;

/** Raised when the gateway refuses an operation. */
export class AdminRefusedError extends Error {
  constructor(status: number, message: string) {
    super(`the gateway answered ${status}: ${message}`);
    this.name = "AdminRefusedError";
  }
}

/** Calls the administration interface of a running gateway. */
export class AdminClient {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url.replace(/\/$/, "");
    this.#key = key;
  }

  async #call<T>(path: string, schema: z.ZodType<T>, body?: object): Promise<T> {
    const response = await request(`${this.#url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.body.json();
    if (response.statusCode === 200) return schema.parse(answer);
    const parsed = errorSchema.safeParse(answer);
    throw new AdminRefusedError(
      response.statusCode,
      parsed.success ? parsed.data.error.message : "no reason given",
    );
  }

  /**
   * Destroys the content keys of a data subject.
   * @throws AdminRefusedError when the gateway refuses.
   */
  erase(
    tenant: string,
    subject: string,
  ): Promise<{ readonly subject: string; readonly keys: readonly string[] }> {
    return this.#call("/admin/erasures", erasedSchema, { tenant, subject });
  }

  /**
   * Stops models or lets them answer again, and returns what is in force then.
   * @throws AdminRefusedError when the gateway refuses.
   */
  brake(action: "stop" | "release", model: string, reason: string): Promise<z.output<typeof brakesSchema>> {
    return this.#call(`/admin/${action}s`, brakesSchema, { model, reason });
  }

  /**
   * Requests that wait for a person.
   * @throws AdminRefusedError when the gateway refuses.
   */
  async pending(): Promise<readonly ReviewSummary[]> {
    return (await this.#call("/admin/reviews?state=pending", z.object({ reviews: z.array(ticketSchema) })))
      .reviews;
  }

  /**
   * Decides one of them.
   * @throws AdminRefusedError when the gateway refuses, for example because it was decided before.
   */
  decide(ticket: string, decision: "approved" | "denied"): Promise<ReviewSummary> {
    return this.#call(`/admin/reviews/${ticket}`, ticketSchema, { decision });
  }
}
