/**
 * Longest idle timeout of an Application Load Balancer on AWS, seconds.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
 */
export const LONGEST_IDLE_SECONDS = 4_000;

/**
 * Seconds a proxy of Google Cloud keeps an idle connection to a replica; fixed.
 * @see https://cloud.google.com/load-balancing/docs/https#timeout-keepalive-backends
 */
export const PROXY_KEEP_ALIVE_SECONDS = 600;

/**
 * Where Google Cloud's health checks come from.
 * @see https://cloud.google.com/load-balancing/docs/firewall-rules
 */
export const HEALTH_CHECK_CIDRS = ["35.191.0.0/16", "130.211.0.0/22"] as const;
