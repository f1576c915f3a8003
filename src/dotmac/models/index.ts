/** The tables of each database of the platform, in foreign-key order. */

import type { Service } from '../../model/tenancy.ts'
import { ispTables } from './isp.ts'
import { managementTables } from './management.ts'
import type { TableModel } from './model.ts'

export function tablesOf(service: Service): readonly TableModel[] {
  return service === 'isp' ? ispTables : managementTables
}
