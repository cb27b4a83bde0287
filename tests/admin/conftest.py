"""The cast: an owner, who may do everything, and somebody in the support group."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import User
from tests.leaks import CANARY


@pytest.fixture
def owner(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner@example.com", f"{CANARY}-owner"))
    return client


@pytest.fixture
def helper(db: None) -> User:
    user = User.objects.create_user("helper@example.com", f"{CANARY}-helper", is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    return user


@pytest.fixture
def support(helper: User) -> Client:
    client = Client()
    client.force_login(helper)
    return client
