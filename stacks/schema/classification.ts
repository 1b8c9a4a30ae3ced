import type { PlatformConfig } from "./platform.ts";

/** Answers to the questions of the AI Act. */
export type RiskAnswers = Omit<PlatformConfig["riskClass"], "level">;

/** Risk class that follows from the answers, with the reasons. */
export interface Classification {
  readonly level: "prohibited" | "high" | "limited" | "minimal";
  /** Why, each with the article. */
  readonly reasons: readonly string[];
  /** ISO date from which the obligations of the class apply. */
  readonly appliesFrom: string;
}

/**
 * Dates of Regulation (EU) 2024/1689 Art. 113 as amended by Regulation (EU) 2026/1744; secondary sources in
 * docs/compliance.md, the amending text itself was not read.
 */
export const APPLIES_FROM = {
  prohibitions: "2025-02-02",
  general: "2026-08-02",
  markingOfLegacySystems: "2026-12-02",
  annexIII: "2027-12-02",
  annexI: "2028-08-02",
} as const;

/**
 * Derives the risk class from the answers.
 * @see Regulation (EU) 2024/1689 Art. 5, 6, 50 and Annexes I and III
 */
export function classify(answers: RiskAnswers): Classification {
  const { practices, annexI, annexIII, exception, profiling, interactsWithPeople, generates } = answers;
  if (practices.length > 0)
    return {
      level: "prohibited",
      reasons: practices.map((practice) => `${practice} is prohibited (Art. 5(1))`),
      appliesFrom: APPLIES_FROM.prohibitions,
    };
  const isExcepted = exception !== undefined && profiling === "no";
  const high = [
    ...(annexI === undefined ? [] : [`safety component under ${annexI} (Art. 6(1), Annex I)`]),
    ...(annexIII === undefined || isExcepted ? [] : [`point ${annexIII} of Annex III (Art. 6(2))`]),
    ...(annexIII !== undefined && exception !== undefined && profiling === "yes"
      ? ["it profiles people, so no exception holds (Art. 6(3))"]
      : []),
  ];
  if (high.length > 0)
    return {
      level: "high",
      reasons: high,
      appliesFrom: annexIII !== undefined && !isExcepted ? APPLIES_FROM.annexIII : APPLIES_FROM.annexI,
    };
  const limited = [
    ...(interactsWithPeople === "yes" ? ["people talk to it (Art. 50(1))"] : []),
    ...(generates === "nothing" ? [] : [`it generates ${generates} (Art. 50(2))`]),
    ...(annexIII === undefined || exception === undefined
      ? []
      : [`point ${annexIII} of Annex III with the exception ${exception.ground} (Art. 6(3), 49(2))`]),
  ];
  return limited.length > 0
    ? { level: "limited", reasons: limited, appliesFrom: APPLIES_FROM.general }
    : {
        level: "minimal",
        reasons: ["no answer makes it prohibited, high-risk or subject to transparency duties"],
        appliesFrom: APPLIES_FROM.general,
      };
}
