/** What a loop proposes; a person decides. */
export interface Proposal {
  readonly kind: "retrained" | "go-back";
  readonly model: string;
  readonly alert: string;
  /** What the proposal rests on, for example a registered version. */
  readonly reference: string;
}

/** Where proposals go, for example the dispatch address of a Git host. */
export interface ProposalTarget {
  readonly url: string;
  readonly token: string;
}

/** The target did not take a proposal. */
export class ProposalError extends Error {
  override readonly name = "ProposalError";
}

const TIMEOUT_MS = 15_000;

/**
 * Sends a proposal.
 * @throws ProposalError for anything but success
 */
export async function propose({ url, token }: ProposalTarget, proposal: Proposal): Promise<void> {
  let status: number;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ event_type: `llmops-${proposal.kind}`, client_payload: proposal }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    ({ status } = response);
  } catch (error) {
    throw new ProposalError(`${url}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (status < 200 || status > 299) throw new ProposalError(`${url}: answered ${status}`);
}
