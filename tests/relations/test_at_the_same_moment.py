"""A follow and a block at the same moment: never both."""

import threading

import pytest
from sqlalchemy import select

from microblog.db.engine import WriterBusy
from microblog.extensions import db, writing
from microblog.models import Block, Follow, User, relations
from microblog.models.errors import Unavailable

ROUNDS = 15


@pytest.mark.slow
def test_it_works(app, ana, bo, stored):
    def do(verb, me, other, gate):
        with app.app_context():
            gate.wait(60)
            for _ in range(20):
                try:
                    with writing():
                        verb(me.id, db.session.get(User, other.id))
                        db.session.commit()
                except WriterBusy:
                    continue  # on a busy machine, as a person would
                except Unavailable:
                    pass  # the block was first
                finally:
                    db.session.remove()
                break

    both = []
    for _ in range(ROUNDS):
        gate = threading.Barrier(2)
        asked = ((relations.follow, ana, bo, gate), (relations.block, bo, ana, gate))
        threads = [threading.Thread(target=do, args=words) for words in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert stored(select(Block.id)), "the block is there in any case"
        both.append(stored(select(Follow.id)))
        with app.app_context(), writing():
            db.session.query(Follow).delete()
            db.session.query(Block).delete()
            db.session.commit()
    assert both == [None] * ROUNDS
