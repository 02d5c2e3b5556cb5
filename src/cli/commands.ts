import type { Command } from './command.ts'
import { doctor } from './commands/doctor.ts'
import { keys } from './commands/keys.ts'
import { migrate } from './commands/migrate.ts'
import { serve } from './commands/serve.ts'
import { work } from './commands/work.ts'

export const COMMANDS: readonly Command[] = [serve, work, migrate, keys, doctor]
