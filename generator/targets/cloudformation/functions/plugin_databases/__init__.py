"""The two functions behind the custom resources of the CloudFormation target.

``provider.handler`` answers CloudFormation from outside the VPC, ``sql.handler`` speaks to the server from inside. The
folder is deployed as it is, so nothing here imports greenroom: only the standard library, boto3, pg8000 and PyMySQL.
"""
