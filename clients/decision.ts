/** Something the fork did not take over or could not know: a person decides it. */
export interface Decision {
  /** Key of the stack file. */
  readonly key: string;
  readonly what: string;
}
