"""A person and a bot at work, by a client that nobody here has written.

usage: client.py URL PROJECT BRANCH, with BOT_TOKEN and ADA_TOKEN set
"""
import json
import os
import sys

import gitlab

url, path, branch = sys.argv[1:]
bot = gitlab.Gitlab(url, private_token=os.environ["BOT_TOKEN"], retry_transient_errors=False)
ada = gitlab.Gitlab(url, oauth_token=os.environ["ADA_TOKEN"])
bot.auth()
out = {"me": bot.user.username}

project = bot.projects.get(path)
out["issues"] = project.issues_access_level
mr = project.mergerequests.create(
    {"source_branch": branch, "target_branch": "main", "title": "promote", "labels": ["waveguide", "env/dev"]}
)
try:
    project.mergerequests.create({"source_branch": branch, "target_branch": "main", "title": "again"})
except gitlab.exceptions.GitlabCreateError as error:
    out["again"] = error.response_code

hers = ada.projects.get(path).mergerequests.get(mr.iid)
hers.notes.create({"body": "/hold let me look"})
hers.labels = hers.labels + ["waveguide/hold"]
hers.save()
hers.labels = [label for label in hers.labels if label != "waveguide/hold"]
hers.save()
hers.approve(sha=hers.sha)
out["events"] = [[e.action, e.label["name"], e.user["username"]] for e in hers.resourcelabelevents.list(get_all=True)]
out["approved"] = [a["user"]["username"] for a in hers.approvals.get().approved_by]
out["heads"] = [v.head_commit_sha for v in mr.diffs.list(get_all=True)]

try:
    mr.merge(sha=mr.sha)
except gitlab.exceptions.GitlabMRClosedError as error:
    out["red"] = error.response_code
commit = mr.sha
bot.http_post(f"/projects/{project.encoded_id}/statuses/{commit}", post_data={"state": "pending", "name": "waveguide"})
try:
    bot.http_post(f"/projects/{project.encoded_id}/statuses/{commit}", post_data={"state": "pending", "name": "waveguide"})
except gitlab.exceptions.GitlabHttpError as error:
    out["pending twice"] = error.response_code
bot.http_post(f"/projects/{project.encoded_id}/statuses/{commit}", post_data={"state": "success", "name": "waveguide"})
try:
    mr.merge(sha="0" * 40)
except gitlab.exceptions.GitlabHttpError as error:
    out["other head"] = error.response_code
except gitlab.exceptions.GitlabError as error:
    out["other head"] = error.response_code
mr.merge(sha=mr.sha, should_remove_source_branch=True)
out["state"] = project.mergerequests.get(mr.iid).state

issue = ada.projects.get(path).issues.create({"title": "incident env:prod-*", "labels": ["waveguide/pause"]})
issue.title = "incident env:prod-eu"
issue.save()
issue.state_event = "close"
issue.save()
out["issue"] = [project.issues.get(issue.iid).state, [e.state for e in issue.resourcestateevents.list(get_all=True)]]
out["levels"] = sorted([m.username, m.access_level] for m in project.members_all.list(get_all=True))
out["protected"] = [b.name for b in project.protectedbranches.list(get_all=True)]
json.dump(out, sys.stdout, indent=1, sort_keys=True)
