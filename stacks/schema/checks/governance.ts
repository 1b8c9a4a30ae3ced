import type { PlatformConfig } from "../platform.ts";
import type { ConfigProblem } from "../problem.ts";
import { classify } from "../classification.ts";
import { duplicates, problem, type Check } from "./check.ts";

/**
 * Six months as days: the longest six-month span of any start date in 2026-2029 is 184 days.
 * Regulation (EU) 2024/1689, Art. 19(1) and 26(6): logs are kept for at least six months.
 */
export const MIN_RETENTION_DAYS = 184;
/** Ceiling of the retention: an immutable log that is kept too long cannot be corrected (GDPR Art. 5(1)(e)). */
export const MAX_RETENTION_DAYS = 730;
/** Longest exemption, days. */
export const MAX_EXEMPTION_DAYS = 90;

const DAY_MS = 86_400_000;

const RESERVED_NAMESPACES: ReadonlySet<string> = new Set([
  "default",
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "llmops-system",
]);

function retention({ audit, riskClass }: PlatformConfig): ConfigProblem[] {
  const path = ["audit", "retentionDays"];
  if (riskClass.level !== "minimal" && audit.retentionDays < MIN_RETENTION_DAYS)
    return [
      problem(
        path,
        audit.retentionDays,
        `${audit.retentionDays} days < ${MIN_RETENTION_DAYS} days: six months of logs (Regulation (EU) 2024/1689 Art. 19(1), 26(6))`,
        `set at least ${MIN_RETENTION_DAYS}; 400 is the usual value`,
      ),
    ];
  if (audit.retentionDays > MAX_RETENTION_DAYS)
    return [
      problem(
        path,
        audit.retentionDays,
        `${audit.retentionDays} days > ${MAX_RETENTION_DAYS} days: an immutable log kept too long breaks storage limitation (GDPR Art. 5(1)(e)) and cannot be shortened`,
        `set at most ${MAX_RETENTION_DAYS}`,
      ),
    ];
  return [];
}

function auditMode({ audit, riskClass }: PlatformConfig): ConfigProblem[] {
  if (audit.mode === "required" || riskClass.level === "minimal") return [];
  return [
    problem(
      ["audit", "mode"],
      audit.mode,
      `'best-effort' loses records, which risk class '${riskClass.level}' does not allow`,
      "set mode: required",
    ),
  ];
}

function objectLock({ audit, riskClass, environment }: PlatformConfig): ConfigProblem[] {
  const path = ["audit", "objectLock"];
  if (environment === "prod" && riskClass.level === "high" && audit.objectLock !== "compliance")
    return [
      problem(
        path,
        audit.objectLock,
        `'${audit.objectLock}' can be lifted by an administrator, so a high-risk production log is not tamper-proof`,
        "set objectLock: compliance",
      ),
    ];
  if (environment === "dev" && audit.objectLock === "compliance")
    return [
      problem(
        path,
        audit.objectLock,
        "a compliance lock keeps a development bucket undeletable for the whole retention",
        "set objectLock: governance or none",
      ),
    ];
  return [];
}

function humanOversight({ oversight, riskClass }: PlatformConfig): ConfigProblem[] {
  if (riskClass.level !== "high" || oversight.review !== "none") return [];
  return [
    problem(
      ["oversight", "review"],
      oversight.review,
      "a high-risk system needs human oversight (Regulation (EU) 2024/1689 Art. 14, 26(2))",
      "set review: flagged, and name the reviewers in oversight.contact",
    ),
  ];
}

function classification({ riskClass }: PlatformConfig): ConfigProblem[] {
  const { level, reasons } = classify(riskClass);
  const path = ["riskClass", level === "prohibited" ? "practices" : "level"];
  const value = level === "prohibited" ? riskClass.practices : riskClass.level;
  if (level === "prohibited")
    return [
      problem(path, value, reasons.join("; "), "do not build this system; nothing here helps to operate it"),
    ];
  const ranks = ["minimal", "limited", "high"];
  if (
    ranks.indexOf(riskClass.level) >= ranks.indexOf(level) &&
    (level === "high" || riskClass.level !== "high")
  )
    return [];
  return [
    problem(
      path,
      value,
      `the answers make it '${level}': ${reasons.join("; ")}`,
      `set level: ${level}, or correct the answers (annexIII, annexI, exception, interactsWithPeople, generates)`,
    ),
  ];
}

/** Longest declaration, days. */
const MAX_ATTESTATION_DAYS = 730;

function attestationPeriods({ attestations }: PlatformConfig): ConfigProblem[] {
  return attestations.flatMap(({ control, subject, date, expires }, index) => {
    const days = (Date.parse(expires) - Date.parse(date)) / DAY_MS;
    const first = attestations.findIndex((other) => other.control === control && other.subject === subject);
    return [
      ...(first === index
        ? []
        : [
            problem(
              ["attestations", index, "subject"],
              subject,
              `${control} is declared twice for '${subject}'`,
              "keep the newer declaration",
            ),
          ]),
      ...(days > 0 && days <= MAX_ATTESTATION_DAYS
        ? []
        : [
            problem(
              ["attestations", index, "expires"],
              expires,
              `the declaration lasts ${days} days; it must last 1 to ${MAX_ATTESTATION_DAYS}`,
              "choose an earlier date and declare it anew when it runs out",
            ),
          ]),
    ];
  });
}

function alarm({ budget, cloud }: PlatformConfig): ConfigProblem[] {
  if (budget.alarm.kind === "none" || cloud.provider !== "gcp" || budget.alarm.billingAccount !== undefined)
    return [];
  return [
    problem(
      ["budget", "alarm", "billingAccount"],
      undefined,
      "Google Cloud budgets belong to a billing account",
      "write the billing account of the project",
    ),
  ];
}

function exchangeRate({ budget }: PlatformConfig): ConfigProblem[] {
  if (budget.usdPerUnit === 1 || budget.rateAsOf !== undefined) return [];
  return [
    problem(
      ["budget", "rateAsOf"],
      undefined,
      `${budget.usdPerUnit} USD per ${budget.currency} has no date`,
      "write the day the rate was read",
    ),
  ];
}

function throttleKey({ alerting, gateway }: PlatformConfig): ConfigProblem[] {
  if (alerting.throttle === undefined || gateway.admins.some(({ roles }) => roles.includes("throttle")))
    return [];
  return [
    problem(
      ["alerting", "throttle"],
      alerting.throttle,
      "alerts would be refused: no gateway admin has the role 'throttle'",
      "add { id: alertmanager, key: <SHA-256>, roles: [throttle] } to gateway.admins",
    ),
  ];
}

function tenants({ tenancy }: PlatformConfig): ConfigProblem[] {
  return [
    ...duplicates(
      ["tenancy", "tenants"],
      tenancy.tenants.map((tenant) => tenant.name),
    ),
    ...tenancy.tenants.flatMap(({ name }, index) =>
      RESERVED_NAMESPACES.has(name) || name.startsWith("kube-")
        ? [
            problem(
              ["tenancy", "tenants", index, "name"],
              name,
              `'${name}' is a namespace of the cluster itself`,
              "choose another name",
            ),
          ]
        : [],
    ),
  ];
}

function exemptionPeriods({ exemptions }: PlatformConfig): ConfigProblem[] {
  return exemptions.flatMap(({ id, created, expires }, index) => {
    const days = (Date.parse(expires) - Date.parse(created)) / DAY_MS;
    const twice =
      exemptions.findIndex((other) => other.id === id) === index
        ? []
        : [
            problem(
              ["exemptions", index, "id"],
              id,
              `the id '${id}' is used twice`,
              "give each exemption its own id",
            ),
          ];
    return days > 0 && days <= MAX_EXEMPTION_DAYS
      ? twice
      : [
          ...twice,
          problem(
            ["exemptions", index, "expires"],
            expires,
            `the exemption lasts ${days} days; it must last 1 to ${MAX_EXEMPTION_DAYS}`,
            "choose an earlier date and renew it by a new pull request",
          ),
        ];
  });
}

/** Rules about governance. */
export const governanceChecks: readonly Check[] = [
  { needs: ["audit", "riskClass"], run: retention },
  { needs: ["audit", "riskClass"], run: auditMode },
  { needs: ["audit", "riskClass", "environment"], run: objectLock },
  { needs: ["oversight", "riskClass"], run: humanOversight },
  { needs: ["riskClass"], run: classification },
  { needs: ["attestations"], run: attestationPeriods },
  { needs: ["budget", "cloud"], run: alarm },
  { needs: ["budget"], run: exchangeRate },
  { needs: ["alerting", "gateway"], run: throttleKey },
  { needs: ["tenancy"], run: tenants },
  { needs: ["exemptions"], run: exemptionPeriods },
];
