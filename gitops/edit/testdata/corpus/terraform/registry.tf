module "eks" {
  source  = "acme/eks/aws"
  version = "1.4.2"
}
module "sub" {
  version = "1.4.2"
  source  = "acme/eks/aws//modules/node-group"
}
module "other" {
  source  = "acme/vpc/aws"
  version = "~> 9.9"
}
