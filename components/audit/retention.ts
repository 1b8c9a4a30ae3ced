import { refuse } from "../component.ts";

/** Whether stored records can be deleted before their time: by nobody, by an administrator with a special right, or freely. */
export type Immutability = "compliance" | "governance" | "none";

/** How long audit records are kept and how hard. */
export interface AuditRetention {
  /** Days every record is kept. */
  readonly days: number;
  readonly immutability: Immutability;
}

/**
 * Shortest retention of logs of a high-risk system: six months.
 * @see Regulation (EU) 2024/1689, Art. 19(1) and 26(6)
 */
export const SIX_MONTHS_DAYS = 184;

/** Longest retention S3 Object Lock takes. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html */
const HUNDRED_YEARS_DAYS = 36_500;

/**
 * Checks a retention.
 * @throws pulumi.InputPropertyError naming the property.
 */
export function validateAuditRetention(retention: AuditRetention): void {
  if (!Number.isInteger(retention.days) || retention.days < 1 || retention.days > HUNDRED_YEARS_DAYS)
    refuse("retention.days", `${retention.days} is not a whole number from 1 to ${HUNDRED_YEARS_DAYS}`);
  if (retention.immutability === "compliance" && retention.days < SIX_MONTHS_DAYS)
    refuse(
      "retention.days",
      `${retention.days} days under an irreversible lock, but less than the ${SIX_MONTHS_DAYS} the law asks for: choose governance or a longer time`,
    );
}

/** Options of a store that must outlive the stack: the engine neither deletes nor replaces it. */
export function keptOptions(retention: AuditRetention): {
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
} {
  const kept = retention.immutability !== "none";
  return { protect: kept, retainOnDelete: kept };
}
