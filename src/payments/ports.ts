export interface PaymentPorts {}
