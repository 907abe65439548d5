"""``greenroom plan-check``: reads a plan of Terraform before it is applied, so that nothing of greenroom's is dropped."""
