export interface OrderPorts {}
