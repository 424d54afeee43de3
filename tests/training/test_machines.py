"""Which processes are to cooperate: by options, by JAX's variables, by those of a launcher."""

import subprocess
import sys

import jax
import pytest
from trainings import ROOT, free_port

from gen_models.errors import UserError
from gen_models.training import machines
from gen_models.training.machines import Group, grouped

SLURM_JOB = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
SLURM_STEP = SLURM_JOB | {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"}
OPEN_MPI_5 = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"}
MPICH = {"PMI_SIZE": "2", "PMI_RANK": "0"}
POD = {"TPU_WORKER_HOSTNAMES": "a,b", "TPU_WORKER_ID": "1"}
ADDRESS = {"JAX_COORDINATOR_ADDRESS": "node1:1234"}
ALL_THREE = ADDRESS | {"JAX_PROCESS_ID": "1", "JAX_NUM_PROCESSES": "2"}


@pytest.fixture
def shell(monkeypatch):
    """A function that sets variables; those that this test's own launcher may have set are gone."""
    for name in [*SLURM_STEP, *OPEN_MPI_5, *MPICH, *POD, *ALL_THREE]:
        monkeypatch.delenv(name, raising=False)
    return lambda variables: [monkeypatch.setenv(*pair) for pair in variables.items()]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        SLURM_JOB,  # started by hand in an allocation of four tasks
        SLURM_JOB | {"SLURM_STEP_NUM_TASKS": "1"},  # in the shell that salloc or srun --pty gives
        OPEN_MPI_5 | {"OMPI_COMM_WORLD_SIZE": "1"},
        POD | {"TPU_WORKER_HOSTNAMES": "localhost"},
        ADDRESS | {"JAX_NUM_PROCESSES": "1"},
    ],
)
def test_a_process_that_no_launcher_started_as_one_of_several_is_alone(shell, variables):
    shell(variables)
    assert grouped(None, None, None) is None


@pytest.mark.parametrize(
    ("variables", "group"),
    [
        (SLURM_STEP, Group(None, 3, 4, "SLURM_STEP_NUM_TASKS=4")),
        (OPEN_MPI_5 | ADDRESS, Group("node1:1234", 1, 2, "OMPI_COMM_WORLD_SIZE=2")),
        (MPICH | ADDRESS, Group("node1:1234", 0, 2, "PMI_SIZE=2")),
        # mpirun in a Slurm job starts its daemons, one a node, in a step.
        (SLURM_STEP | OPEN_MPI_5, Group(None, 1, 2, "OMPI_COMM_WORLD_SIZE=2")),
        (POD, Group(None, None, None, "TPU_WORKER_HOSTNAMES=a,b")),
        (ALL_THREE, Group("node1:1234", 1, 2, None)),
        (SLURM_STEP | ALL_THREE, Group("node1:1234", 1, 2, None)),
    ],
)
def test_several_processes_are_known_by_their_variables(shell, variables, group):
    shell(variables)
    assert grouped(None, None, None) == group


@pytest.mark.parametrize("variables", [SLURM_STEP, OPEN_MPI_5, MPICH, POD, ADDRESS, ALL_THREE])
def test_a_process_count_of_1_is_alone_whatever_the_environment_says(shell, variables):
    shell(variables)
    assert grouped(None, None, 1) is None


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SLURM_STEP_NUM_TASKS": "x"}, "SLURM_STEP_NUM_TASKS is 'x', expected a whole number"),
        ({"JAX_NUM_PROCESSES": "two"}, "JAX_NUM_PROCESSES is 'two', expected a whole number"),
        (ADDRESS, "and JAX_NUM_PROCESSES; --process-count 1 trains alone"),
        (ALL_THREE | {"JAX_COORDINATOR_ADDRESS": "node1"}, "coordinator is 'node1', expected HOST"),
        (ALL_THREE | {"JAX_COORDINATOR_ADDRESS": "12345"}, "coordinator is '12345', expected HOST"),
        (ALL_THREE | {"JAX_COORDINATOR_ADDRESS": ":12345"}, "':12345', expected HOST:PORT"),
        (ALL_THREE | {"JAX_COORDINATOR_ADDRESS": "a:70000"}, "'a:70000', expected HOST:PORT"),
        (ALL_THREE | {"JAX_PROCESS_ID": "2"}, "process 2 of 2: expected a number from 0 to 1"),
    ],
)
def test_what_is_no_group_is_refused_with_what_is_wrong(shell, variables, words):
    shell(variables)
    with pytest.raises(UserError, match=words):
        grouped(None, None, None)


@pytest.mark.parametrize("process_id", [0, 1])
def test_a_wait_in_vain_ends_with_one_line(process_id):
    program = (
        "from gen_models.training import machines\n"
        "machines.JOIN_S = 1\n"
        f"machines.join('localhost:{free_port()}', {process_id}, 2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    waiting, error = done.stderr.splitlines()
    assert done.returncode == 2
    assert waiting.startswith("waiting up to 1 s for the other processes of 2 at localhost:")
    assert error == (
        "error: the processes did not find each other: not all came within 1 s; start all of them, "
        "with the same address, one of process 0 that each reaches"
    )


def test_a_wait_and_its_failure_name_the_variable_and_the_option_that_says_alone(
    shell, monkeypatch, capsys
):
    def initialize(*_, **__):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    shell(OPEN_MPI_5)
    with pytest.raises(UserError) as error:
        machines.join(None, None, None)
    assert capsys.readouterr().err == (
        "waiting up to 120 s for the other processes of 2 "
        "(OMPI_COMM_WORLD_SIZE=2; to train alone: --process-count 1)\n"
    )
    assert str(error.value) == (
        "the processes did not find each other: coordinator_address should be defined; they were "
        "looked for because of OMPI_COMM_WORLD_SIZE=2; give --coordinator HOST:PORT, an address of "
        "process 0, or --process-count 1 to train alone"
    )
