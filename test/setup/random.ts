export { type Random, seededRandom } from '../../simulation/engine/random.ts'
