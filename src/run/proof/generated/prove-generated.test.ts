import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WorldId } from '../../../model/tenancy.ts'
import type { LoadedProbe } from '../../../probe/ask.ts'
import { loadProbes } from '../../../probe/load-probes.ts'
import { planSeed } from '../../../reference/seed/plan.ts'
import { databaseName } from '../../../reference/site/namespace.ts'
import { openSite, type OpenSite } from '../../../reference/site/open-site.ts'
import { cloneDatabase, createWorldDatabase } from '../../../reference/site/provision.ts'
import { templateName } from '../clone-lane.ts'
import type { Candidate } from './edit.ts'
import { tryEdits } from './prove-generated.ts'

let open: OpenSite
beforeAll(async () => {
  open = await openSite({
    target: null,
    plan: planSeed({ seed: 5, tenants: 2, rows: 30 }),
    keep: false,
  })
  const id: WorldId = { service: 'isp', tenancy: 'row-level-security', variant: 'hardened' }
  const from = databaseName(open.site.namespace, id)
  await createWorldDatabase(open.site, open.admin, id)
  await cloneDatabase(open.admin, open.site, { from, to: templateName(open.site, id) })
}, 120_000)
afterAll(() => open[Symbol.asyncDispose]())

const made = (sql: string, given: Partial<Candidate> = {}): Candidate => ({
  kind: 'test',
  title: sql,
  sql,
  power: null,
  tenancy: 'row-level-security',
  service: 'isp',
  ...given,
})
/** Asks what it always asked, and says that it holds. */
const alwaysHolds = (loaded: LoadedProbe): LoadedProbe => ({
  ...loaded,
  probe: {
    ...loaded.probe,
    search: async (...scene) => ({
      ...(await loaded.probe.search(...scene)),
      outcome: 'holds',
      counterexample: null,
    }),
  },
})
const tryAll = async (edits: readonly Candidate[], probes: readonly LoadedProbe[]) =>
  await tryEdits(open, edits, {
    seed: 5,
    probes,
    statementTimeoutMs: 10_000,
    search: { seed: 5, runs: 2 },
    onStep: () => undefined,
  })
const reading = () => loadProbes('reads-foreign-rows')

const disabled = made('ALTER TABLE isp_customers DISABLE ROW LEVEL SECURITY;')

test('what reaches others is told from what changes nothing, only what is own, or cannot be planted', async () => {
  const edits = [
    disabled,
    made(`ALTER FUNCTION isp_revenue_report(text, date, date) VOLATILE;`),
    made('DROP POLICY tenant_isolation_select ON isp_services;'),
    made('ALTER TABLE isp_customers OWNER TO nobody_of_this_name;'),
    made('ALTER TABLE isp_customers NO FORCE ROW LEVEL SECURITY;', {
      power: 'its owner reads all',
    }),
  ]
  const score = await tryAll(edits, await reading())
  expect([score.reaching, score.equivalent, score.own, score.latent]).toEqual([1, 1, 1, 1])
  expect(score.undecided.map(({ reason }) => reason)).toEqual([
    'role "nobody_of_this_name" does not exist',
  ])
  expect([score.killed, score.survivors]).toEqual([1, []])
}, 240_000)

test('a detector that is blinded lets it survive, with its SQL and what the ground truth saw', async () => {
  const score = await tryAll([disabled], (await reading()).map(alwaysHolds))
  expect([score.reaching, score.killed, score.interval.low]).toEqual([1, 0, 0])
  expect(score.survivors[0]).toMatchObject({ sql: disabled.sql, kind: 'test' })
  expect(score.survivors[0]?.truth).toMatch(
    /reads .*isp_customer.*: [0-9]+ rows .*, before [0-9]+ rows /,
  )
}, 240_000)

const truths: readonly (readonly [string, Candidate])[] = [
  [
    'a key that tells which values others have',
    made('ALTER TABLE isp_network_devices ADD CONSTRAINT generated_key UNIQUE (serial);'),
  ],
  [
    'a reference to the row of another tenant',
    made(`ALTER TABLE isp_services DROP CONSTRAINT fk_isp_services_customer_id;
ALTER TABLE isp_customers ADD CONSTRAINT generated_key UNIQUE (id);
ALTER TABLE isp_services ADD FOREIGN KEY (customer_id) REFERENCES isp_customers (id);`),
  ],
  [
    'a role that starts as a tenant',
    made(`DO $$ BEGIN EXECUTE format('ALTER ROLE dotmac_app SET app.current_tenant_id = %L',
      (SELECT min(tenant_id) FROM isp_customers)); END $$;`),
  ],
  ['an owner that the application is a member of', made('GRANT dotmac_owner TO dotmac_app;')],
  [
    'a function that sums up everybody',
    made(`CREATE FUNCTION isp_total() RETURNS numeric LANGUAGE sql SECURITY DEFINER
      AS 'SELECT sum(total) FROM public.isp_billing_invoices';
      ALTER FUNCTION isp_total() OWNER TO dotmac_admin; GRANT EXECUTE ON FUNCTION isp_total() TO dotmac_app;`),
  ],
  [
    'a deferred trigger that writes into the rows of all',
    made(`CREATE FUNCTION isp_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      AS 'BEGIN UPDATE public.isp_reference_plans SET title = left(NEW.name, 50); RETURN NULL; END';
      ALTER FUNCTION isp_note() OWNER TO dotmac_owner;
      CREATE CONSTRAINT TRIGGER isp_note AFTER UPDATE ON isp_customers DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION isp_note();`),
  ],
]

test('the ground truth sees keys, references, roles, owners, sums and what happens at commit', async () => {
  const score = await tryAll(
    truths.map(([title, edit]) => ({ ...edit, title })),
    [],
  )
  expect(score.survivors.map(({ title }) => title)).toEqual(truths.map(([title]) => title))
}, 240_000)
