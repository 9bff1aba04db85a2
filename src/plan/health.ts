/** Paths by which load balancers and orchestrators ask how the gateway is, on listeners that want them. */
export interface HealthPlan {
  /** 200 for as long as a gateway thread can answer at all. */
  readonly live: string
  /** 200 until the gateway is about to stop, then 503: send no more requests. */
  readonly ready: string
}
