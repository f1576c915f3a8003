/** What a service on trial is made of: the reference platform's by default, or one that a mutant builds. */

import type { TokenVerifier, VerifierOptions } from '../../dotmac/access/tokens.ts'
import type { ServiceOptions } from '../../dotmac/service/requests.ts'
import type { StrategyPool } from '../../model/context-strategy.ts'
import type { TenancyName } from '../../model/tenancy.ts'

/** The second argument is what the HTTP server adds; the reference finds the client's address in it. */
export type ServiceHandler = (request: Request, connection?: object) => Response | Promise<Response>

export interface ServiceParts {
  /** The application's login. */
  readonly pool: StrategyPool
  /** A login that no policy binds, as careless services have. */
  readonly superuser: StrategyPool
  readonly tenancy: TenancyName
  /** The reference's own, and one with other options. */
  readonly verifier: TokenVerifier
  verifierWith(options: Partial<VerifierOptions>): TokenVerifier
  /** The reference platform's service; what is given replaces its own parts. */
  reference(changes?: Partial<ServiceOptions>): ServiceHandler
}

export type ServiceBuild = (parts: ServiceParts) => ServiceHandler
