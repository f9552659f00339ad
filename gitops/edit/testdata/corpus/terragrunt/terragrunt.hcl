include "root" {
  path = find_in_parent_folders()
}
terraform {
  source = "git::https://git.example.com/acme/modules.git//vpc?ref=v1.4.2"
}
inputs = {
  name = "${local.env}-vpc"
  n    = 3
}
