terraform {
  required_version = ">= 1.6" # core
}

module "vpc" {
  source     = "git::https://git.example.com/acme/modules.git//vpc?ref=v1.4.2" // pinned
  cidr       = "10.0.0.0/16"
  azs        = ["a", "b",]
}

module "dns" {
	source="git@git.example.com:acme/modules.git//dns?depth=1&ref=v1.4.2"
  for_each = { for k, v in var.x : k => v }
}

/* the
   third */
module "log" {
  source = "git::ssh://git@git.example.com/acme/modules//log?ref=1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
  policy = <<-EOT
    {"a": "${var.x}"}
  EOT
}
