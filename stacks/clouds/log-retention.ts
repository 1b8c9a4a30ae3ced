/** Days CloudWatch Logs accepts. Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const CLOUDWATCH_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/**
 * Shortest retention CloudWatch accepts that keeps logs at least as long as asked.
 * @throws RangeError above ten years
 */
export function cloudWatchRetentionDays(atLeast: number): number {
  const days = CLOUDWATCH_DAYS.find((candidate) => candidate >= atLeast);
  if (days === undefined) throw new RangeError(`CloudWatch keeps logs for at most 3653 days, not ${atLeast}`);
  return days;
}
