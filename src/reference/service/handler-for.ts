/** The parts of a service on trial, put together as `watertight dotmac serve` does it, or as a mutant does. */

import { tokenVerifier } from '../../dotmac/access/tokens.ts'
import { readConfiguration } from '../../dotmac/configuration.ts'
import { poolSamples } from '../../dotmac/metrics/pool-samples.ts'
import { prometheusText } from '../../dotmac/metrics/sample.ts'
import { reporter } from '../../dotmac/reporting.ts'
import type { ServiceOptions } from '../../dotmac/service/requests.ts'
import { createService } from '../../dotmac/service/service.ts'
import { serviceHealth } from '../../dotmac/service/service-health.ts'
import type { TenantPools } from '../../dotmac/tenant-pools.ts'
import type { DriverPool } from '../../postgres/session/driver-pool.ts'
import type { World } from '../../world/world.ts'
import type { ServiceBuild, ServiceHandler, ServiceParts } from './service-build.ts'
import { audience, issuer, type TokenForge } from './token-forge.ts'

export interface Serving {
  readonly app: DriverPool
  readonly tenants: TenantPools
  readonly superuser: DriverPool
  readonly reporting: DriverPool
  readonly jwks: TokenForge['jwks']
  readonly strict: boolean
  readonly build?: ServiceBuild
}

export function handlerFor(world: World, serving: Serving): ServiceHandler {
  const { app, tenants, superuser, reporting, jwks, strict, build } = serving
  const { tenancy } = world.id
  const verifierWith: ServiceParts['verifierWith'] = (changes) =>
    tokenVerifier({ jwks, issuer, audience, ...changes })
  const verifier = verifierWith({})
  const options: ServiceOptions = {
    verifier,
    isp: (tenant) => tenants.of(tenant),
    tenancy,
    report: reporter({ isp: reporting, trail: (tenant) => tenants.of(tenant), tenancy }),
    configuration: readConfiguration({ TENANT_ISOLATION_STRICT: String(strict) }),
    health: serviceHealth({ reach: () => app.query('SELECT 1') }),
    metrics: () => prometheusText(poolSamples(tenants.use())),
  }
  const reference: ServiceParts['reference'] = (changes = {}) => {
    const service = createService({ ...options, ...changes })
    return (request, connection) => service.fetch(request, connection)
  }
  return build === undefined
    ? reference()
    : build({ pool: app, superuser, tenancy, verifier, verifierWith, reference })
}
