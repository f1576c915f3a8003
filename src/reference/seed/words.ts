/** What an internet provider's rows are made of. Own lists, so that no other package decides our bytes. */

export const words = {
  given: [
    'Ana', 'Bram', 'Chidi', 'Dolores', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kwame', 'Lena',
    'Mateo', 'Noor', 'Olga', 'Priya',
  ],
  family: [
    'Silva', 'Okafor', 'Novak', 'Lindqvist', 'Garcia', 'Haddad', 'Kim', 'Moreau', 'Nguyen', "O'Neill", 'Petrov',
    'Rossi', 'Sato', 'Tanaka', 'Weber', 'Yılmaz', 'Zhang',
  ],
  account: [
    'ana.silva', 'chidi.okafor', 'goran.novak', 'lena.lindqvist', 'mateo.garcia', 'noor.haddad', 'hana.kim',
    'ines.moreau', 'emre.yilmaz', 'olga.petrov', 'jonas.weber', 'priya.nair', 'billing', 'office', 'noc',
  ],
  street: [
    'Harbour Road', 'Station Street', 'Mill Lane', 'Elm Avenue', 'Kirchweg', 'Rue des Lilas', 'Via Roma',
    'Calle Mayor', 'Östra Hamngatan', 'Náměstí Míru',
  ],
  city: ['Lisbon', 'Lagos', 'Ghent', 'Malmö', 'Sevilla', 'İzmir', 'Brno', 'Nantes', 'Torino', 'Leipzig'],
  country: ['PT', 'NG', 'BE', 'SE', 'ES', 'TR', 'CZ', 'FR', 'IT', 'DE'],
  trade: ['Net', 'Fiber', 'Telecom', 'Broadband', 'Wireless'],
  subject: [
    'Router', 'Invoice', 'Uplink', 'Customer portal', 'Backup job', 'Fiber splice', 'Power supply', 'DHCP pool',
  ],
  event: [
    'checked by field team', 'needs a second visit', 'restored after outage', 'reported twice',
    'escalated to tier two', 'confirmed by mail',
  ],
  device: ['core', 'edge', 'olt', 'agg', 'cpe'],
  prefix: ['SN', 'INV', 'REF', 'JOB'],
  company: ['fiber', 'north', 'metro', 'river', 'alpine', 'coast', 'prairie', 'summit'],
  suffix: ['net', 'link', 'wave', 'connect', 'telecom', 'broadband', 'wireless', 'cable'],
} as const
