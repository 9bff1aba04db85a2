/** Certificates in the status, and in the answer to `POST /v1/certificates/NAME/renew`. */
import * as z from 'zod'

const time = z.number().nonnegative()

/** Of a certificate that has an ACME server among its sources. */
export const renewalStatusSchema = z
  .object({
    /** Unix time in milliseconds: when it is due, by its lifetime or by the CA's advice. */
    due: time.optional(),
    /** `due` is the CA's advice. */
    advised: z.boolean(),
    /** In a row; 0 after a success. */
    failures: z.int().nonnegative(),
    lastError: z.string().optional(),
    /** Unix time in milliseconds; after a failure. */
    nextAttempt: time.optional(),
    underWay: z.boolean(),
  })
  .readonly()

export const certificateStatusSchema = z
  .object({
    names: z.array(z.string()).readonly(),
    source: z.string(),
    issuer: z.string(),
    /** These two in ISO 8601, UTC. */
    notBefore: z.iso.datetime().optional(),
    notAfter: z.iso.datetime(),
    skipped: z.array(z.object({ source: z.string(), error: z.string() }).readonly()).readonly(),
    /** None of its sources can serve: the internal CA does, which browsers warn about. */
    fallback: z.boolean(),
    renewal: renewalStatusSchema.optional(),
  })
  .readonly()

/** 200: the certificate in use now. A refusal has one of these codes, with status 404, 409 or 502. */
export const renewalRefusals = ['unknown-certificate', 'not-renewable', 'renewal-failed'] as const

export type CertificateStatus = z.infer<typeof certificateStatusSchema>
export type RenewalRefusal = (typeof renewalRefusals)[number]
