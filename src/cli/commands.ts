import type { Command } from './command.ts'
import { archive } from './commands/archive.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { exportCommand } from './commands/export.ts'
import { importCommand } from './commands/import.ts'
import { inbox } from './commands/inbox.ts'
import { keys } from './commands/keys.ts'
import { masterKey } from './commands/master-key.ts'
import { migrate } from './commands/migrate.ts'
import { move } from './commands/move.ts'
import { operations } from './commands/operations.ts'
import { queue } from './commands/queue.ts'
import { rebuild } from './commands/rebuild.ts'
import { report } from './commands/report.ts'
import { seals } from './commands/seals.ts'
import { serve } from './commands/serve.ts'
import { verify } from './commands/verify.ts'
import { work } from './commands/work.ts'

export const COMMANDS: readonly Command[] = [
  serve,
  demo,
  work,
  migrate,
  importCommand,
  exportCommand,
  verify,
  seals,
  explain,
  report,
  rebuild,
  archive,
  move,
  operations,
  queue,
  inbox,
  keys,
  masterKey,
  doctor,
]
